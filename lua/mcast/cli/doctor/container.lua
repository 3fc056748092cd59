-- Network namespaces and containers: groups reach no other namespace by themselves.
local findings <const> = require "mcast.cli.doctor.findings"
local system <const> = require "mcast.cli.doctor.system"

-- The kind of container that this process is in, or nil.
local function container()
  for path, kind in pairs { ["/.dockerenv"] = "Docker", ["/run/.containerenv"] = "Podman" } do
    if system.read(path) then
      return kind
    end
  end
  return ((system.read "/proc/1/environ" or ""):match "%f[^%z]container=(%w+)")
end

return function(facts)
  local list <const> = findings.new()
  local kind <const> = container()
  local mine <const>, first = system.run "readlink /proc/self/ns/net", system.run "readlink /proc/1/ns/net"
  if kind then
    list:note("container", ("this is a container (%s): groups of its own networks reach it; those of the host's LAN do, "
      .. "where it shares the host's network (--network host, or a macvlan network)"):format(kind))
  elseif mine and first and mine ~= first then
    list:note("namespace", "this is another network namespace than that of process 1, with interfaces, routes and "
      .. "memberships of its own", "nsenter --net=/proc/1/ns/net mcast doctor")
  end
  for _, link in ipairs(facts.links) do
    if link.link_netnsid and link.link_netnsid ~= system.null and facts.byname[link.ifname] then
      list:note(link.ifname, "its other end is in another network namespace: groups go on from there only by a bridge "
        .. "or a multicast router")
    end
  end
  return list
end
