-- The simulator: one seed is one run, whatever has compiled the core, and whichever Lua runs it.
local helper <const> = require "spec.support.helper"

local scenario <const> = [[
  local sim = require "mcast.sim"
  local net = sim.new { seed = 11, delay = { mean = 0.002, deviation = 0.001 }, loss = 0.1, duplicate = 0.05, reorder = 0.1,
    output = function(node, line) print(node.name, ("%a"):format(node.net:now()), line) end }
  local far = net:lan("far", { delay = { exponential = 0.003, least = 0.001 }, bandwidth = 1e6, prefix = "10.9.0.0/16",
    loss = { good = 0.01, bad = 0.5, to_bad = 0.1, to_good = 0.3 } })
  net:router("gate", { net.lans.lan, far })
  for i = 1, 6 do
    net:node("n" .. i, function()
      local mcast = require "mcast"
      local sock = mcast.socket { port = 5000, ttl = 2 }
      sock:join "239.1.2.3"
      while true do
        sock:sendto(("x"):rep(math.random(1000)), "239.1.2.3", 5000)
        for data, from in sock:datagrams(0.05 * math.random()) do print(#data, from, ("%a"):format(mcast.now()), os.time()) end
      end
    end, {}, { lans = { i > 3 and far or "lan" }, drift = i * 1e-5, skew = 0.1 * i })
  end
  net:link("n1", "n4", { delay = function(draw) return 0.001 + 0.01 * draw() end })
  net:rule(function(_, random) if random() < 0.02 then return 0.01 * random() end end)
  net:chaos { every = 0.3, length = 0.2 }
  net:run(5)
  local function plain(value) return type(value) == "table" and table.concat(value, "+") or value end
  for i = 1, #net.trace do
    local e = net.trace[i]
    print(e.kind, ("%a"):format(e.time), e.node, e.packet, e.reason, plain(e.from), plain(e.to), e.text)
  end
]]

-- Compilers with their flags; the first is the one to compare with.
local builds <const> = { "gcc -O2", "gcc -O0", "gcc -O3", "clang -O0", "clang -O3" }

local function build(compiler)
  local cc <const>, flags = compiler:match "^(%S+) (.+)$"
  if not os.execute(("command -v %s > /dev/null"):format(cc)) then
    return nil, ("%s is not installed"):format(cc)
  end
  local folder <const> = "build/seed-" .. compiler:gsub("%W", "")
  helper.check(("make -s BUILD=%s CC=%s CFLAGS='%s' %s/mcast/sim/core.so %s/mcast/sim/worker.so 2>&1"):format(folder, cc, flags,
    folder, folder), 300)
  return folder
end

local function run(folder, lua)
  local script <const> = helper.script(scenario)
  return helper.check(("LUA_CPATH='%s/?.so;;' %s %s 2>&1"):format(folder, lua or helper.lua, script), 100)
end

-- The output in the plain build for a version of Lua; nil where that Lua is missing.
local function run_in(version)
  local lua <const> = helper.run(("LUA_VERSION=%s .ci/prerequisites lua"):format(version)):match "[^\n]+"
  if lua then
    local folder <const> = helper.check(("make -s LUA_VERSION=%s all print-BUILD"):format(version), 300):match "[^\n]+\n$"
    return run(folder:match "[^\n]+", lua)
  end
end

describe("a seed in another Lua", function()
  it("leads to one run", function()
    if not helper.plain then
      return pending(helper.not_plain)
    end
    local old <const>, new <const> = run_in "5.4", run_in "5.5"
    if not old or not new then
      return pending "needs Lua 5.4 and 5.5 (make test LUA_VERSION=5.5)"
    end
    assert.is_true(#old > 100000)
    assert.is_true(old == new)
  end)
end)

describe("a seed #slow", function()
  local first
  for i, compiler in ipairs(builds) do
    it("leads to one run by " .. compiler, function()
      local folder <const>, reason = build(compiler)
      if not folder then
        pending(reason)
        return
      end
      local output <const> = run(folder)
      first = i == 1 and output or first
      assert.is_true(#output > 100000)
      assert.is_true(output == first)
    end)
  end

  it("leads to one run by musl", function()
    pending "the system has no Lua that is built with musl"
  end)
end)
