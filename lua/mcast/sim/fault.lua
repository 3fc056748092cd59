-- What can go wrong: faults of copies, rules, partitions, and chaos by the seed.
local checkoptions <const> = require "mcast.options".check

local fault = {}

local function probability(options, name)
  local value = options[name]
  if value ~= nil and not (type(value) == "number" and 0 <= value and value <= 1) then
    error(("bad option '%s' (a probability of 0 to 1 expected, got %s)"):format(name, tostring(value)), 0)
  end
  return value
end

local function seconds(value)
  if type(value) ~= "number" or value ~= value or value < 0 then
    error(("bad option 'delay' (seconds of 0 or more expected, got %s)"):format(tostring(value)), 0)
  end
  return value
end

-- 0.001, {0.001, 0.004}, {mean =, deviation =}, {exponential =, least =}, a function.
local function delay(form)
  if form == nil or type(form) == "function" then
    return form
  elseif type(form) == "number" then
    return { "uniform", seconds(form), form }
  elseif type(form) ~= "table" then
    return seconds(form)
  elseif form.mean then
    return { "normal", seconds(form.mean), seconds(form.deviation) }
  elseif form.exponential then
    return { "exponential", seconds(form.least or 0), seconds(form.exponential) }
  end
  if seconds(form[1]) > seconds(form[2]) then
    error("bad option 'delay' ({least, most} expected)", 0)
  end
  return { "uniform", form[1], form[2] }
end

-- Of options as people write them, those of the core. reorder is a probability, or
-- {probability, seconds that a copy is held back at the most}.
function fault.read(options)
  local reorder = options.reorder
  if type(reorder) == "number" then
    reorder = { reorder, 0.01 }
  end
  return {
    loss = probability(options, "loss"),
    duplicate = probability(options, "duplicate"),
    reorder = reorder and probability({ reorder = reorder[1] }, "reorder"),
    holdback = reorder and seconds(reorder[2]),
    delay = delay(options.delay),
  }
end

--
-- Rules: the first that is not nil wins.
--

local Rule = {}
Rule.__index = Rule

local function ask(rules, packet)
  for _, rule in ipairs(rules) do
    local verdict = table.pack(rule.decide(packet))
    if verdict[1] ~= nil then
      return table.unpack(verdict, 1, verdict.n)
    end
  end
end

local function apply(net)
  local rules = net.rules
  net.core:rules(#rules > 0 and function(packet) return ask(rules, packet) end or nil)
end

function fault.rule(net, decide)
  assert(type(decide) == "function", "a rule is a function of a packet")
  local rule = setmetatable({ net = net, decide = decide }, Rule)
  table.insert(net.rules, rule)
  apply(net)
  return rule
end

function Rule:remove()
  for i, rule in ipairs(self.net.rules) do
    if rule == self then
      table.remove(self.net.rules, i)
      break
    end
  end
  apply(self.net)
end

--
-- Partitions.
--

local Partition = {}
Partition.__index = Partition

local function hosts(net, list)
  local ids, names = {}, {}
  for i, entry in ipairs(list) do
    local host = net:findhost(entry)
    ids[i], names[i] = host.id, host.name
  end
  return ids, names
end

local function newpartition(net, from, to, oneway, undo)
  local partition = setmetatable({ net = net, from = from, to = to, undo = undo }, Partition)
  net.partitions[#net.partitions + 1] = partition
  net.core:record(nil, { kind = "partition", from = from, to = to, oneway = oneway })
  return partition
end

-- Nothing of what the hosts of `from` send reaches those of `to`, nor back, unless
-- options.oneway says so. Nil where there are too many partitions at a time.
function fault.partition(net, from, to, options)
  options = options or {}
  checkoptions(options, { oneway = true })
  local a, from_names = hosts(net, from)
  local b, to_names = hosts(net, to)
  local core <const> = net.core
  local one = core:sever(a, b)
  local other = one and not options.oneway and core:sever(b, a)
  if not one or other == nil then
    return one and core:heal(one)
  end
  return newpartition(net, from_names, to_names, options.oneway, function()
    core:heal(one)
    if other then
      core:heal(other)
    end
  end)
end

-- Cuts a host off from everyone else.
function fault.isolate(net, entry)
  local host = net:findhost(entry)
  net.core:isolate(host.id, true)
  return newpartition(net, { host.name }, { "*" }, nil, function() net.core:isolate(host.id, false) end)
end

function Partition:heal()
  if self.undo then
    self.undo()
    self.undo = nil
    self.net.core:record(nil, { kind = "heal", from = self.from, to = self.to })
  end
end

--
-- Chaos.
--

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

-- The nodes of a list, some of them, never all.
local function some(random, list)
  local all = shuffled(random, list)
  return table.move(all, 1, 1 + math.floor(random() * (#all - 1)), 1, {})
end

local function others(nodes, than)
  local result, taken = {}, {}
  for _, node in ipairs(than) do
    taken[node] = true
  end
  for _, node in ipairs(nodes) do
    if not taken[node] then
      result[#result + 1] = node
    end
  end
  return result
end

local kinds = {}

function kinds.partition(net, nodes, random, length)
  local side = some(random, nodes)
  local partition = fault.partition(net, side, others(nodes, side), { oneway = random() < 0.25 or nil })
  if partition then
    net:after(random() * length, function() partition:heal() end)
  end
end

function kinds.crash(net, nodes, random, length)
  local node = pick(random, nodes)
  if node.status == "running" then
    node:crash()
    net:after(random() * length, function()
      if node.status == "crashed" then
        node:restart()
      end
    end)
  end
end

function kinds.pause(net, nodes, random, length)
  local node = pick(random, nodes)
  node:pause()
  net:after(random() * length, function() node:resume() end)
end

-- Swizzle-clogging, as FoundationDB has it: some nodes are cut off one after the
-- other, and come back in another order.
function kinds.swizzle(net, nodes, random, length)
  local chosen, clogs = some(random, nodes), {}
  for _, node in ipairs(chosen) do
    net:after(random() * length / 2, function()
      clogs[node] = fault.isolate(net, node)
    end)
  end
  for i, node in ipairs(shuffled(random, chosen)) do
    net:after(length / 2 + length / 2 * i / #chosen, function() clogs[node]:heal() end)
  end
end

local chaos_options <const> = { kinds = true, nodes = true, every = true, length = true, from = true, till = true }

-- From time to time something of these kinds happens to the nodes: on average each
-- `every` seconds, for `length` seconds at the most.
function fault.chaos(net, options)
  checkoptions(options, chaos_options)
  local names = options.kinds or { "partition", "crash", "pause", "swizzle" }
  for _, name in ipairs(names) do
    assert(kinds[name], ("unknown kind of chaos '%s'"):format(tostring(name)))
  end
  net.chaoses = net.chaoses + 1
  local random <const> = net.core:stream(net.chaoses)
  local every <const>, till <const> = options.every or 1, options.till or math.huge
  local function happen()
    local nodes = {}
    for i, node in ipairs(options.nodes or net.nodes) do
      nodes[i] = type(node) == "string" and net.byname[node] or node
    end
    if net:now() < till and #nodes > 1 then
      kinds[pick(random, names)](net, nodes, random, options.length or every)
      net:after(-math.log(1 - random()) * every, happen)
    end
  end
  net:at((options.from or 0) - math.log(1 - random()) * every, happen)
end

return fault
