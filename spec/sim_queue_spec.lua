-- The simulator's queue: the order of events and timers, whatever their times.
local helper <const> = require "spec.support.helper"
local sim <const> = require "mcast.sim"

local COUNT <const> = 100000

-- Returns a function that draws integers, the same ones in each run.
local function newrandom()
  local state = 1
  return function(from, to)
    state = state * 6364136223846793005 + 1442695040888963407
    return from + (state >> 33) % (to - from + 1)
  end
end

-- Nanoseconds of all sizes, many of them equal, up to a thousand seconds.
local function draw(random)
  return random(0, 1 << random(0, 40))
end

local function isbefore(a, b)
  return a.time < b.time or a.time == b.time and a.number < b.number
end

-- The first place where two lists differ; nil: nowhere.
local function difference(expected, seen)
  for i = 1, math.max(#expected, #seen) do
    if expected[i] ~= seen[i] then
      return i
    end
  end
end

local function silent(options)
  options.trace, options.output = false, function() end
  return sim.new(options)
end

helper.long("the queue", function()
  -- Has the net run, with n calls at random times; each makes one more, until all are made.
  local function call(run, n)
    local net <const>, random <const> = silent {}, newrandom()
    local events, seen, now = {}, {}, 0
    local function add(after)
      local event <const> = { time = now + after, number = #events + 1 }
      events[#events + 1] = event
      net:at(event.time / 1e9, function()
        seen[#seen + 1], now = event, event.time
        if #events < COUNT then
          add(random(1, 4) == 1 and 0 or draw(random))
        end
      end)
    end
    for _ = 1, n do
      add(draw(random))
    end
    run(net, add, function(time) now = time end)
    table.sort(events, isbefore)
    return difference(events, seen), #seen >= COUNT
  end

  it("calls functions by their times, those of one time in order", function()
    assert.same({ nil, true }, { call(function(net) net:run() end, COUNT // 2) })
  end)

  it("accepts calls before the next one between two runs", function()
    assert.same({ nil, true }, { call(function(net, add, set)
      for power = 0, 40 do
        net:run((1 << power) / 1e9)
        set(1 << power)
        for _ = 1, 10 do
          add(power)
        end
      end
      net:run()
    end, 1000) })
  end)

  -- Waits become shorter and longer again, and datagrams end some of them.
  it("wakes nodes at their times, whatever they waited for before", function()
    local net <const> = silent { delay = 0.0003 }
    local late, count = 0, 0
    for i = 1, 50 do
      net:node("n" .. i, function()
        local mcast = require "mcast"
        local sock = assert(mcast.socket { port = 10000 })
        assert(sock:join "239.1.2.3")
        for k = 1, 200 do
          local seconds = (i * 7919 + k * 104729) % 1009 / 1000 + 0.001
          local start = mcast.now()
          if k % 3 == 0 then
            mcast.sleep(seconds)
            late = late + (math.abs(mcast.now() - start - seconds) > 1e-6 and 1 or 0)
          elseif not sock:recvfrom(seconds) then
            late = late + (math.abs(mcast.now() - start - seconds) > 1e-6 and 1 or 0)
          end
          if k % 50 == i then
            sock:sendto("x", "239.1.2.3", 10000)
          end
          count = count + 1
        end
      end)
    end
    net:run()
    assert.same({ 0, 10000 }, { late, count })
  end)

  -- The memory of a large array is mapped, so the system counts it.
  it("gives the memory of a storm back", function()
    local program <const> = [[
      local sim = require "mcast.sim"
      local net = sim.new { trace = false }
      local function bytes()
        collectgarbage()
        return 4096 * io.open "/proc/self/statm":read "n"
      end
      local function nothing() end
      for i = 1, 200000 do net:at(i / 1e6, nothing) end
      local before = bytes()
      net:run()
      print((before - bytes()) // 1000000)
    ]]
    local output <const> = helper.check(("GLIBC_TUNABLES=glibc.malloc.mmap_threshold=65536 %s -e %s")
      :format(helper.lua, helper.quote(program)))
    assert.is_true(tonumber(output) >= 9, output)
  end)
end)
