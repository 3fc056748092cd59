-- Searches for an order of the operations on one object in which each one has its effect at once, between its invocation and
-- its end, and has the result that it reported: such a history is linearizable (Herlihy and Wing, "Linearizability: a
-- correctness condition for concurrent objects", 1990).
--
-- The search is that of Wing and Gong, "Testing and verifying concurrent objects" (1993), by breadth, with Lowe's ways to
-- shorten it ("Testing for linearizability", 2017): it goes through invocations and ends in their order and keeps every
-- *configuration* that is possible: the state of the object, and the open operations that are placed. An operation is placed
-- only when one has to be, at its end: before it, others that are open may be. No two configurations are alike.
--
-- An operation that is not known to have succeeded is *optional*: it may have its effect at any later time, or never. So these
-- need not be searched:
--
-- - an unknown operation while no open one can use its effect (`serves`);
-- - a configuration that differs from another one only by more optional operations placed;
-- - an optional operation without effect, and one right before another operation after which it could as well be placed;
-- - the second of two optional operations that are alike.
local order = {}

-- The start of a search: no operation is placed. `at` is the number of events that it has gone through.
function order.new(object)
  return { object = object, at = 0, open = {}, tried = {}, configurations = { { state = object.initial, placed = {} } } }
end

local function isoptional(operation)
  return operation.kind ~= "ok"
end

local function copy(map)
  local result = {}
  for key, value in pairs(map) do
    result[key] = value
  end
  return result
end

-- The states after an operation that are possible with the result that it reported.
local function apply(search, state, operation)
  search.steps = search.steps - 1
  local states <const> = search.object.methods[operation.method].apply(state, operation)
  if #states == 0 then
    search.tried[operation][state] = true
  end
  return states
end

-- Could the optional operation that was placed last be left out, or be placed after this one, with the same state? Of two
-- optional ones, the later one is placed after the other.
local function isearly(search, configuration, number, state)
  local operation <const>, last <const> = search.open[number], search.open[configuration.last]
  local later <const> = last and (not isoptional(operation) or number < configuration.last)
  for _, without in ipairs(last and apply(search, configuration.before, operation) or {}) do
    if without == state then
      return true
    end
    for _, after in ipairs(later and apply(search, without, last) or {}) do
      if after == state then
        return true
      end
    end
  end
  return false
end

-- Visits the configurations that come from one by an operation more.
local function place(search, configuration, number, visit)
  local operation <const> = search.open[number]
  local optional <const> = isoptional(operation)
  for _, state in ipairs(apply(search, configuration.state, operation)) do
    if not (optional and state == configuration.state) and not isearly(search, configuration, number, state) then
      local placed <const> = copy(configuration.placed)
      placed[operation] = true
      visit { state = state, placed = placed, last = optional and number, before = configuration.state }
    end
  end
end

-- The same by any operation.
local function extend(search, configuration, visit)
  local alike = {}
  for number, operation in ipairs(search.open) do
    local optional <const> = isoptional(operation)
    local useless <const> = optional and (alike[operation.text] or not search.useful[operation])
    if not configuration.placed[operation] and not useless then
      alike[operation.text] = alike[operation.text] or optional
      place(search, configuration, number, visit)
    end
  end
end

-- The state and the operations placed that have succeeded, as text; and a list of the optional ones.
local function describe(search, configuration)
  local needed, optional = { configuration.state }, {}
  for number, operation in ipairs(search.open) do
    if configuration.placed[operation] and isoptional(operation) then
      optional[#optional + 1] = operation
    elseif configuration.placed[operation] then
      needed[#needed + 1] = number
    end
  end
  return table.concat(needed, "\n"), optional
end

local function hasall(placed, operations)
  for _, operation in ipairs(operations) do
    if not placed[operation] then
      return false
    end
  end
  return true
end

-- Adds a configuration to a set, unless another one differs from it only by fewer optional operations placed. The time that
-- this takes is counted in steps, too.
local function add(search, set, configuration)
  local key <const>, optional <const> = describe(search, configuration)
  search.steps = search.steps - #search.open / 64
  set[key] = set[key] or {}
  for _, other in ipairs(set[key]) do
    search.steps = search.steps - (1 + #other) / 16
    if hasall(configuration.placed, other) then
      return
    end
  end
  table.insert(set[key], optional)
  set[#set + 1] = configuration
end

-- The optional operations that can serve one that has to be placed, or another optional one that does; and the few that
-- are open.
local function useful(search)
  local served, rest, set = {}, {}, {}
  for _, operation in ipairs(search.open) do
    local list <const> = isoptional(operation) and rest or operation.result and served or {}
    list[#list + 1] = operation
  end
  for _, other in ipairs(served) do -- grows meanwhile
    local others = {}
    for _, operation in ipairs(rest) do
      local serves <const> = not operation.kind or search.object.serves(operation, other)
      local list <const> = serves and served or others
      set[operation] = serves
      list[#list + 1] = operation
    end
    rest = others
  end
  return set
end

-- The end of an operation: it is placed in each configuration. The list `seen` grows while it is read.
local function finish(search, operation)
  local seen, ended = {}, {}
  search.useful = useful(search)
  local function visit(configuration)
    add(search, configuration.placed[operation] and ended or seen, configuration)
  end
  for _, configuration in ipairs(search.configurations) do
    visit(configuration)
  end
  for _, configuration in ipairs(seen) do
    if search.steps > 0 then
      extend(search, configuration, visit)
    end
  end
  search.configurations = {}
  for i, configuration in ipairs(ended) do
    local placed <const> = copy(configuration.placed)
    placed[operation] = nil
    search.configurations[i] = { state = configuration.state, placed = placed }
  end
end

local function begin(search, operation)
  if operation.kind ~= "fail" then
    table.insert(search.open, operation)
    search.tried[operation] = {}
  end
end

local function forget(search, operation)
  for number, one in ipairs(search.open) do
    if one == operation then
      search.tried[operation] = nil
      return table.remove(search.open, number)
    end
  end
end

local function clone(search, steps)
  local result <const> = { object = search.object, at = search.at, open = copy(search.open), tried = {},
    configurations = search.configurations, steps = steps }
  for operation, states in pairs(search.tried) do
    result.tried[operation] = copy(states)
  end
  return result
end

-- Continues a search up to an event, and returns it; the one that is passed is not changed. Each operation is in the list of
-- events at its invocation and, if it succeeded, at its end, whose number is its field `finished`. Returns nil where methods
-- were applied `steps` times without a result; or nil, the operation that has no place, and a table whose keys are the
-- states in which it was tried.
function order.continue(search, events, till, steps)
  search = clone(search, steps)
  for i = search.at + 1, till do
    local operation <const> = events[i]
    if i ~= operation.finished then
      begin(search, operation)
    else
      finish(search, operation)
      if search.steps <= 0 then
        return nil
      elseif #search.configurations == 0 then
        return nil, operation, search.tried[operation]
      end
      forget(search, operation)
    end
    search.at = i
  end
  return search
end

return order
