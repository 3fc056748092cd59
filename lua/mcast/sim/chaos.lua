-- Chaos: faults at random times, drawn from the net's seed.
local check <const> = require "mcast.check"
local core <const> = require "mcast.sim.core"
local node <const> = require "mcast.sim.node"
local partition <const> = require "mcast.sim.partition"
local run <const> = require "mcast.sim.run"
local sieve <const> = require "mcast.sim.sieve"
local temporary <const> = require "mcast.sim.temporary"
local victims <const> = require "mcast.sim.victims"

local chaos = {}

local function pick(random, list)
  return list[1 + math.floor(random() * #list)]
end

local function shuffled(random, list)
  local result = table.move(list, 1, #list, 1, {})
  for i = #result, 2, -1 do
    local k = 1 + math.floor(random() * i)
    result[i], result[k] = result[k], result[i]
  end
  return result
end

-- Some of the nodes in a list, never all.
local function some(random, list)
  local all = shuffled(random, list)
  return table.move(all, 1, 1 + math.floor(random() * (#all - 1)), 1, {})
end

local function others(nodes, than)
  local result, excluded = {}, {}
  for _, one in ipairs(than) do
    excluded[one] = true
  end
  for _, one in ipairs(nodes) do
    if not excluded[one] then
      result[#result + 1] = one
    end
  end
  return result
end

local at <const>, after <const> = temporary.at, temporary.after

local MINUTE <const>, DRIFT <const> = 60, 0.01

local kinds = {}

function kinds.partition(net, nodes, random, length)
  local side = some(random, nodes)
  local rest <const>, oneway <const>, seconds <const> = others(nodes, side), random() < 0.25 or nil, random() * length
  local cut = rest[1] and partition.new(net, side, rest, oneway) or partition.isolate(net, side[1])
  if cut then
    after(net, seconds, function() cut:heal() end)
  end
end

local function crash(net, nodes, random, length, tears)
  local victim <const>, torn <const>, seconds <const> = pick(random, nodes), tears and random() or nil, random() * length
  if node.crash(victim, torn) then
    after(net, seconds, function()
      if victim.status == "crashed" then
        node.restart(victim)
      end
    end)
  end
end

function kinds.crash(net, nodes, random, length)
  crash(net, nodes, random, length, false)
end

-- A crash in the middle of a write.
function kinds.disk(net, nodes, random, length)
  crash(net, nodes, random, length, true)
end

function kinds.pause(net, nodes, random, length)
  local victim = pick(random, nodes)
  victim:pause()
  after(net, random() * length, function() victim:resume() end)
end

-- A function that is called the first time only.
local function once(f)
  local called = false
  return function()
    if not called then
      called = true
      f()
    end
  end
end

-- The clock that a node has when no fault of chaos sets it: {skew =, drift =, faults = those that set it now}.
local function right_clock(net, victim)
  local right = victim.right
  if not right or right.calms ~= net.calms then
    right = { skew = victim.skew or 0, drift = victim.drift or 0, faults = 0, calms = net.calms }
    victim.right = right
  end
  return right
end

-- The clock is wrong by at most a minute, and runs faster or slower by at most 1 %. When the last such fault has ended, it is
-- as before the first one.
function kinds.clock(net, nodes, random, length)
  local victim <const> = pick(random, nodes)
  local skew <const>, drift <const> = (2 * random() - 1) * MINUTE, (2 * random() - 1) * DRIFT
  local seconds <const> = random() * length
  local fault <const> = sieve.passes(net, "clock of " .. victim.name)
  if fault then
    local right <const> = right_clock(net, victim)
    right.faults = right.faults + 1
    node.setclock(victim, { skew = right.skew + skew, drift = drift })
    local undo <const> = once(function()
      sieve.over(fault)
      right.faults = right.faults - 1
      if right.faults == 0 then
        victim.right = nil
        node.setclock(victim, right)
      end
    end)
    after(net, seconds, undo)
    sieve.begin(net, fault, undo)
  end
end

-- Swizzle-clogging, as in FoundationDB: some nodes are isolated one after the other, and come back in another order.
function kinds.swizzle(net, nodes, random, length)
  local chosen, clogs = some(random, nodes), {}
  for _, one in ipairs(chosen) do
    after(net, random() * length / 2, function()
      clogs[one] = partition.isolate(net, one)
    end)
  end
  for i, one in ipairs(shuffled(random, chosen)) do
    after(net, length / 2 + length / 2 * i / #chosen, function() clogs[one]:heal() end)
  end
end

local allowed <const> = {
  kinds = check.many,
  nodes = check.many,
  every = check.kind("seconds above 0", function(value) return check.seconds.accepts(value) and value > 0 end),
  length = check.seconds,
  from = check.seconds,
  till = check.seconds,
}

-- Raises where no fault could ever happen.
local function checkchance(net, names, nodes, options)
  check.expect(#names > 0, "bad option 'kinds' (one or more expected)")
  check.expect(not nodes or #nodes > 0, "bad option 'nodes' (one or more expected)")
  local from <const> = options.from or net:now()
  run.checktime(net, "option 'from'", from)
  check.expect((options.till or math.huge) > from, "bad option 'till' (more than %g expected, when chaos begins)", from)
end

local function available()
  local names = {}
  for name in pairs(kinds) do
    names[#names + 1] = name
  end
  table.sort(names)
  return table.concat(names, ", ")
end

-- Adds a source of faults to a net: on average one every `every` seconds, each at most `length` seconds long.
function chaos.start(net, options)
  options = check.options(options, allowed)
  local names <const> = check.tolist(options.kinds or { "partition", "crash", "pause", "swizzle", "disk", "clock" })
  for _, name in ipairs(names) do
    check.expect(kinds[name], "unknown kind of chaos %s (available: %s)", check.quoted(name), available())
  end
  local named <const> = options.nodes and victims(net, options.nodes)
  checkchance(net, names, named, options)
  net.chaoses = net.chaoses + 1
  local random <const> = net.core:stream(net.chaoses)
  local every <const>, till <const> = options.every or 1, options.till or math.huge
  local function happen()
    local nodes <const> = named or net.nodes
    if net:now() < till and #nodes > 0 then
      kinds[pick(random, names)](net, nodes, random, options.length or every)
      after(net, core.exponential(random()) * every, happen)
    end
  end
  at(net, (options.from or net:now()) + core.exponential(random()) * every, happen)
end

return chaos
