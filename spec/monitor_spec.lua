-- Monitors on the real network: reports of the kernel, and reports that it drops. (The contract has the rest.)
local mcast <const> = require "mcast"
local helper <const> = require "spec.support.helper"
local incremental <const> = require "spec.support.incremental"

local E <const> = mcast.errno

-- A network namespace of its own, in which a script runs with the functions sh, and read: the texts of the changes of
-- some interfaces, until a pattern matches the last one.
local prelude <const> = [[
  local mcast = require "mcast"
  local function sh(command) assert(os.execute(command)) end
  sh "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6"
  local function read(monitor, last)
    local texts = {}
    repeat
      for _, change in ipairs(assert(monitor:read(10))) do
        texts[#texts + 1] = change.kind .. " " .. change.interface .. (change.address and " " .. change.address or "")
      end
    until texts[#texts] == last
    return table.concat(texts, ", ")
  end
]]

local function run(text)
  local script = helper.script(prelude .. text)
  return helper.check(("unshare --net sh -c 'ip link set lo up && exec %s %s'"):format(helper.lua, script))
end

helper.network("a monitor of a network namespace", function()
  it("reports an interface that is added, set up, renamed and removed", function()
    assert.equal([[
added left
up left
address added left 10.1.1.1
down left, address removed left 10.1.1.1, removed left, added other, address added other 10.1.1.1
address removed other 10.1.1.1, removed other
]], run [[
      sh "ip link add right type veth peer name peer"
      local monitor = assert(mcast.monitor())
      sh "ip link add left type bridge"
      print(read(monitor, "added left"))
      sh "ip link set left up"
      print(read(monitor, "up left"))
      sh "ip addr add 10.1.1.1/24 dev left"
      print(read(monitor, "address added left 10.1.1.1"))
      sh "ip link set left down && ip link set left name other"
      print(read(monitor, "address added other 10.1.1.1"))
      sh "ip link del other"
      print(read(monitor, "removed other"))
    ]])
  end)

  it("reports no port that leaves a bridge as removed", function()
    assert.equal("added right\n", run [[
      sh "ip link add left type bridge && ip link add middle type bridge && ip link add port type veth peer name peer"
      local monitor = assert(mcast.monitor())
      sh "ip link set port master left && ip link set port master middle && ip link set port nomaster"
      sh "ip link add right type bridge"
      print(read(monitor, "added right"))
    ]])
  end)

  it("reports an address once where it has prefixes of two lengths", function()
    assert.equal([[
address added lo 10.1.1.1
added marker
address removed lo 10.1.1.1
]], run [[
      local monitor = assert(mcast.monitor())
      sh "ip addr add 10.1.1.1/8 dev lo && ip addr add 10.1.1.1/24 dev lo"
      print(read(monitor, "address added lo 10.1.1.1"))
      sh "ip addr del 10.1.1.1/8 dev lo && ip link add marker type bridge"
      print(read(monitor, "added marker"))
      sh "ip addr del 10.1.1.1/24 dev lo"
      print(read(monitor, "address removed lo 10.1.1.1"))
    ]])
  end)

  it("reports the difference where the kernel dropped reports", function()
    assert.equal("true\t1200\t1200\ttrue\n", run [[
      local monitor = assert(mcast.monitor())
      local batch = {}
      for i = 1, 300 do
        batch[#batch + 1] = ("link add a%d type veth peer name b%d"):format(i, i)
        batch[#batch + 1] = ("addr add 10.%d.%d.1/24 dev a%d"):format(i // 100, i % 100, i)
        batch[#batch + 1] = ("link set a%d up"):format(i)
      end
      local path = os.tmpname()
      local file = assert(io.open(path, "w"))
      file:write(table.concat(batch, "\n"), "\n")
      file:close()
      sh("ip -batch " .. path)
      os.remove(path)
      local drops = io.popen "awk '$1 ~ /^[0-9a-f]+$/ { n += $9 } END { print n + 0 }' /proc/net/netlink":read "n"
      local portable = monitor:timeout() ~= nil
      local counts, seen = {}, {}
      while true do
        local list = monitor:read(0.5)
        if not list then break end
        for _, change in ipairs(list) do
          local key = change.kind .. change.interface .. (change.address or "")
          assert(not seen[key], key)
          seen[key] = true
          counts[#counts + 1] = key
        end
      end
      local expected = 0
      for _, interface in ipairs(assert(mcast.interfaces())) do
        if interface.name ~= "lo" then
          expected = expected + 1 + (interface.up and 1 or 0) + #interface.addresses
        end
      end
      print(drops > 0 or portable, #counts, expected, select(2, monitor:read(0)) == "timeout")
    ]])
  end)

  it("needs no more memory where it is never read", function()
    local grown = tonumber((run [[
      local function size()
        collectgarbage()
        return tonumber(io.open "/proc/self/statm":read "a":match "^%d+ (%d+)") * 4096
      end
      local monitor = assert(mcast.monitor())
      local path = os.tmpname()
      local file = assert(io.open(path, "w"))
      for i = 1, 2000 do file:write("addr ", i % 2 == 1 and "add" or "del", " 10.1.1.1/24 dev lo\n") end
      file:close()
      local before
      for round = 1, 4 do
        sh("ip -batch " .. path)
        mcast.poll({ monitor }, 0)
        before = before or size()
      end
      os.remove(path)
      print(size() - before)
    ]]))
    assert.is_true(grown < 300000, grown)
  end)

  it("names the way to do without where the system denies reports", function()
    if helper.portable then
      pending "the portable path asks for no reports"
      return
    end
    for call, errno in pairs { bind = "EPERM", socket = "EACCES" } do
      local script = helper.script "print(require 'mcast'.monitor())"
      local output = helper.check(("strace -qq -o /dev/null -e trace=%s -e inject=%s:error=%s %s %s"):format(call, call, errno,
        helper.lua, script))
      assert.matches("^nil\tmonitor: .*compare mcast.interfaces%(%) by time%)\t" .. E[errno] .. "\n$", output)
    end
  end)

  it("is not closed by another one", function()
    local before = helper.ownedsockets()
    local one = assert(mcast.monitor())
    do
      local other <close> = assert(mcast.monitor())
      assert.is_true(other:getfd() ~= one:getfd())
    end
    assert.equal(E.ETIMEDOUT, select(3, one:read(0)))
    one:close()
    assert.equal(before, helper.sockets())
  end)

  it("is closed when it is collected", function()
    local before = helper.ownedsockets()
    for _ = 1, 5 do assert(mcast.monitor()) end
    assert.equal(before, helper.ownedsockets())
  end)

  it("survives a finalizer that closes it while it makes its list", function()
    local monitor = assert(mcast.monitor())
    helper.check "ip addr add 10.1.1.1/32 dev lo"
    helper.defer(function() helper.run "ip addr del 10.1.1.1/32 dev lo" end)
    assert(mcast.poll({ monitor }, 5))
    collectgarbage "stop"
    local inside, closed = false, false
    setmetatable({}, { __gc = function()
      closed = inside
      monitor:close()
    end })
    incremental(100, 1000) -- the next step does it all
    collectgarbage "restart"
    inside = true
    local ok, message = pcall(monitor.read, monitor, 0)
    inside = false
    incremental(200, 100, 13)
    assert.same({ true, false }, { closed, ok })
    assert.matches("closed monitor", message)
  end)
end)
