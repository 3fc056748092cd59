-- A lab leaves nothing behind when it is killed: see spec/private-network.
local helper <const> = require "spec.support.helper"
local lab <const> = require "spec.lab.lab"

local script <const> = [[
  local helper = require "spec.support.helper"
  local lab = require "spec.lab.lab"
  local net = lab.build()
  pcall(lab.route, net, "224.3.29.71", "ff15::1:3")
  lab.capture(net.b, "eth0")
  lab.hear(net.c, "224.3.29.71")
  for _, at in pairs(net) do
    print((helper.check(at.enter .. "readlink /proc/self/ns/net"):gsub("\n", "")))
  end
  print("ready")
  io.stdout:flush()
  require "mcast".sleep(60)
]]

-- The processes that are in a namespace, from /proc.
local function inhabitants(kind, namespace)
  local list = {}
  for pid in helper.run(([[
    for p in /proc/[0-9]*; do [ "$(readlink $p/ns/%s)" != '%s' ] || echo ${p#/proc/}; done 2>/dev/null
  ]]):format(kind, namespace)):gmatch "%d+" do
    list[#list + 1] = pid
  end
  return list
end

local function child(pid)
  return helper.run(("grep -l '^PPid:[[:space:]]*%s$' /proc/[0-9]*/status 2>/dev/null"):format(pid)):match "%d+"
end

local function interfaces()
  return select(2, helper.check "ip -o link":gsub(": witness%d+@", ""))
end

-- Builds a lab under another spec/private-network, and an interface here for each of its
-- namespaces, which disappears with it; returns the processes, and their namespace.
local function another()
  local output, outside = helper.start(("env -u MCAST_NETWORK -u MCAST_PROCESSES MCAST_LUA=%s spec/private-network %s %s")
    :format(helper.lua, helper.lua, helper.script(script)))
  local count = 0
  for line in output:lines() do
    if line == "ready" then break end
    assert.matches("^net:", line)
    count = count + 1
    helper.check(("ip link add witness%d type veth peer name witness netns %s")
      :format(count, inhabitants("net", line)[1]))
  end
  local first = child(outside)
  return { outside = outside, first = first, runner = child(first) },
    helper.check(("readlink /proc/%s/ns/pid"):format(first)):gsub("\n", "")
end

lab.describe("killed labs", function()
  for _, victim in ipairs { "runner", "first", "outside" } do
    it("leaves no process, namespace or interface behind its " .. victim, function()
      local pids, processes = another()
      assert.equal(5, interfaces())
      assert.is_true(#inhabitants("pid", processes) >= 9)
      helper.check("kill -KILL " .. pids[victim])
      lab.await("an end of the processes", function() return #inhabitants("pid", processes) == 0 end)
      lab.await("an end of the namespaces", function() return interfaces() == 0 end)
      lab.await("an end of the outer process", function() return not io.open(("/proc/%s/ns/net"):format(pids.outside)) end)
    end)
  end
end)
