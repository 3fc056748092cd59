-- mcast interfaces: the interfaces of this host.
local interrupt <const> = require "mcast.cli.interrupt"
local mcast <const> = require "mcast"

local interfaces = {
  summary = "Lists the interfaces of this host",
  example = "mcast interfaces --json",
}

local KEYS <const> = { "name", "index", "up", "running", "multicast", "loopback", "mtu", "addresses" }
local CHANGE <const> = { "change", "interface", "address" }

function interfaces.options(parser)
  parser:flag("--watch", "Follow changes of interfaces and addresses, until Ctrl-C.")
end

local function flags(one)
  local list <const> = {}
  for _, name in ipairs { "up", "running", "multicast", "loopback" } do
    list[#list + 1] = one[name] and name or nil
  end
  return table.concat(list, ",")
end

local function hosts(one, list)
  local found <const> = list {}
  for i, address in ipairs(one.addresses) do
    found[i] = tostring(address.host or address)
  end
  return found
end

local function print_list(list, out)
  local rows <const> = {}
  for i, one in ipairs(list) do
    local addresses <const> = hosts(one, out.list)
    rows[i] = { one.name, tostring(one.index), flags(one), tostring(one.mtu or ""), table.concat(addresses, " ") }
    if out.json then
      out:record({ name = one.name, index = one.index, up = one.up, running = one.running, multicast = one.multicast,
        loopback = one.loopback, mtu = one.mtu, addresses = addresses }, nil, KEYS)
    end
  end
  out:table({ "NAME", "INDEX", "FLAGS", "MTU", "ADDRESSES" }, rows)
end

-- Prints the changes that a monitor reports.
local function follow(monitor, out)
  while true do
    local changes <const>, message <const> = monitor:read()
    if not changes then
      error({ status = 1, message = message }, 0)
    end
    for _, change in ipairs(changes) do
      local address <const> = change.address and tostring(change.address.host or change.address)
      local text <const> = ("%s %s %s%s"):format(os.date "%H:%M:%S", change.interface, change.kind,
        address and " " .. address or "")
      out:record({ change = change.kind, interface = change.interface, address = address }, text, CHANGE)
    end
  end
end

function interfaces.run(args, out)
  local monitor <close> = args.watch and assert(mcast.monitor()) or nil -- before the list, so that no change is missed
  local list <const>, message <const> = mcast.interfaces()
  if not list then
    return 1, message
  end
  print_list(list, out)
  if monitor then
    interrupt.run(follow, monitor, out)
  end
end

return interfaces
