-- Monitors of nodes report the changes that a scenario makes.
local sim <const> = require "mcast.sim"
local timeline <const> = require "mcast.timeline"

local function quiet(options)
  options = options or {}
  options.output = options.output or function() end
  return sim.new(options)
end

local function text(change)
  return ("%s %s %s"):format(change.kind, change.interface, change.address)
end

-- Runs a scenario; returns the changes that a node reads, with their times.
local function watch(change)
  local net <const> = quiet()
  local seen <const> = {}
  net:node("a", function()
    local mcast <const> = require "mcast"
    local monitor <close> = assert(mcast.monitor())
    while mcast.now() < 5 do
      for _, one in ipairs(monitor:read(5) or {}) do seen[#seen + 1] = ("%g %s"):format(mcast.now(), text(one)) end
    end
  end)
  net:node("b", function() end)
  change(net, net.hosts.a)
  net:run(10)
  return seen, net
end

describe("a monitor of a node", function()
  it("reports an interface that goes down and comes up, at these times", function()
    assert.same({ "1 down eth0 nil", "1 address removed eth0 fe80::1%eth0", "2 up eth0 nil",
      "2 address added eth0 fe80::1%eth0" }, (watch(function(net, host)
      net:at(1, function() host:setinterface("eth0", false) end)
      net:at(2, function() host:setinterface("eth0", true) end)
    end)))
  end)

  it("reports addresses that are added and removed at one time in order", function()
    assert.same({ "1 address added eth0 10.0.0.9", "1 address removed eth0 10.0.0.1", "1 down eth0 nil",
      "1 address removed eth0 fe80::1%eth0", "1 up eth0 nil", "1 address added eth0 fe80::1%eth0" },
    (watch(function(net, host)
      net:at(1, function()
        host:setaddress("eth0", "10.0.0.9", true)
        host:setaddress("eth0", "10.0.0.1", false)
        host:setinterface("eth0", false)
        host:setinterface("eth0", true)
      end)
    end)))
  end)

  it("reports nothing of other hosts, nor of what does not change", function()
    assert.same({}, (watch(function(net, host)
      net:at(1, function()
        net.hosts.b:setinterface("eth0", false)
        host:setinterface("eth0", true)
        host:setaddress("eth0", "10.0.0.1", true)
      end)
    end)))
  end)

  it("reports an address of link scope once its interface is up", function()
    assert.same({ "1 down eth0 nil", "1 address removed eth0 fe80::1%eth0", "2 up eth0 nil",
      "2 address added eth0 fe80::9%eth0", "2 address added eth0 fe80::1%eth0" }, (watch(function(net, host)
      net:at(1, function()
        host:setinterface("eth0", false)
        host:setaddress("eth0", "fe80::9", true)
      end)
      net:at(2, function() host:setinterface("eth0", true) end)
    end)))
  end)

  it("wakes all coroutines and nodes of the host that wait", function()
    local net <const> = quiet()
    local host <const> = net:host "host"
    local woken <const> = {}
    for i = 1, 2 do
      net:node("n" .. i, function()
        local mcast <const> = require "mcast"
        local monitor <const> = assert(mcast.monitor())
        coroutine.wrap(function()
          assert(mcast.poll { monitor })
          woken[#woken + 1] = mcast.now()
        end)()
      end, {}, { host = host })
    end
    net:at(1, function() host:setaddress("lo", "10.9.9.9", true) end)
    net:run(5)
    assert.same({ 1, 1 }, woken)
  end)

  it("ends with a crash of its node", function()
    local net <const> = quiet()
    local kept, message
    local node <const> = net:node("a", function()
      local mcast <const> = require "mcast"
      if kept then
        assert(mcast.socket()) -- which has the number of the monitor
        message = select(2, pcall(kept.read, kept, 0))
        return
      end
      kept = assert(mcast.monitor())
      mcast.sleep(5)
    end)
    net:at(1, function() node:restart() end)
    net:run(5)
    assert.matches("closed monitor", message)
  end)

  it("has no descriptor", function()
    local net <const> = quiet()
    local messages <const> = {}
    net:node("a", function()
      local monitor <const> = assert(require "mcast".monitor())
      for i, name in ipairs { "getfd", "pollfd" } do messages[i] = select(2, pcall(monitor[name], monitor)) end
    end)
    net:run()
    for i = 1, 2 do assert.matches("a simulated monitor has no descriptor", messages[i]) end
  end)

  it("frees its descriptor where it was dropped without closing", function()
    local net <const> = quiet()
    local made = 0
    net:node("a", function()
      local mcast <const> = require "mcast"
      for _ = 1, 3000 do made = made + (mcast.monitor() and 1 or 0) end
    end)
    net:run()
    assert.equal(3000, made)
  end)

  it("refuses to wait outside of a running net", function()
    local net <const> = quiet()
    local kept
    net:node("a", function()
      kept = assert(require "mcast".monitor())
      require "mcast".sleep(1)
    end)
    net:run(0.5)
    assert.error_matches(function() kept:read() end, "only a node of a running net can wait")
    assert.error_matches(function() kept:read(0) end, "only a node of a running net can wait")
  end)

  it("leaves the run of a seed as it was without it", function()
    local function run(watched)
      local net <const> = quiet { seed = 3, loss = 0.3, delay = { 0.001, 0.1 } }
      net:node("a", "examples/receiver.lua")
      net:node("b", "examples/sender.lua")
      if watched then
        net:node("watcher", function() require "mcast".monitor():read() end, {}, { host = "a" })
      end
      net:run(10)
      local texts <const> = {}
      for _, event in ipairs(net.trace) do
        if event.packet then texts[#texts + 1] = ("%.9f %s %s"):format(event.time, event.kind, event.node) end
      end
      return texts
    end
    assert.same(run(false), run(true))
  end)
end)

describe("pictures of interfaces", function()
  it("marks and labels a change on the host's line", function()
    local _, net <const> = watch(function(net, host)
      net:at(1, function() host:setaddress("eth0", "10.0.0.9", true) end)
    end)
    local path <const> = os.tmpname()
    assert(timeline.svg(net.trace, path))
    local file <close> = assert(io.open(path))
    local svg <const> = file:read "a"
    os.remove(path)
    assert.matches('class="mark interface"', svg, 1, true)
    assert.matches(">eth0 address added 10.0.0.9<", svg, 1, true)
  end)
end)
