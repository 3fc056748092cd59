--- The history of the operations that nodes report, and whether it is linearizable.
--
-- `Net:history` returns the one of a net. A node reports an operation on an object (a register, a set, a queue) by notes with
-- the key `"op"`, one before it asks for it and one when it knows the result:
--
--     mcast.note("op", "invoke 7 write x 3")
--     mcast.note("op", "ok 7 write x 3")
--
-- The words of a note are separated by one space: the kind; the number of the operation, which no other open operation of this
-- node has; method, object, and the method's arguments; after them, with the kind `"ok"`, the result. These are the kinds:
--
-- - `"invoke"`: it begins
-- - `"ok"`: it has succeeded
-- - `"fail"`: it has had no effect, and will have none
-- - `"unknown"`: it may have its effect, once, at any later time, or never; such is an operation after a timeout. One that is
--   open when its node crashes, restarts or ends becomes unknown
--
-- These are the objects and their methods:
--
-- - `"register"`: `read x`, with the result `nil` before the first write; `write x VALUE`; `cas x OLD NEW` writes NEW where the
--   value is OLD, and has the result `true` or `false`
-- - `"set"`: `add s ELEMENT` and `remove s ELEMENT`, which may have the result `true` (the set has changed) or `false`;
--   `contains s ELEMENT`, with the result `true` or `false`
-- - `"queue"`: `enqueue q ELEMENT`; `dequeue q`, with the result `nil` where it is empty
-- @classmod History
local check <const> = require "mcast.check"
local notes <const> = require "mcast.sim.history.notes"
local objects <const> = require "mcast.sim.history.objects"
local order <const> = require "mcast.sim.history.order"

local History = {}

local metatable <const> = { __index = History, __name = "mcast.sim.History" }

local history = {}

function history.new(trace)
  return setmetatable({ notes = notes.new(trace), searches = {} }, metatable)
end

--- Returns the operations that have been invoked, in their order.
-- @treturn table list of `{node =, number =, method =, object =, arguments =, kind =, result =, from =, to =}`: `kind` is
-- `"ok"`, `"fail"`, `"unknown"`, or nil while it is open; `arguments` is a list, all words are text; `from` and `to` are the
-- virtual times of its invocation and of its end
-- @raise where a note is no operation; the error names the node and the time
-- @usage for _, operation in ipairs(net:history():operations()) do print(operation.node, operation.method, operation.kind) end
function History:operations()
  return self.notes:read().operations
end

-- The search of an object as a register, a set or a queue.
local function search_of(self, name, kind)
  local search = self.searches[name]
  if not search or search.kind ~= kind then
    search = { name = name, kind = kind, settled = order.new(objects.kinds[kind]), valid = 0, steps = 0 }
    self.searches[name] = search
  end
  return search
end

local function shown(states, object)
  local list = {}
  for state in pairs(states) do
    list[#list + 1] = object.show(state)
  end
  table.sort(list)
  list[5] = list[5] and "..."
  return table.concat(list, " or ", 1, math.min(#list, 5))
end

local function explain(search, operation, states)
  return ("%q of %s, invoked at %.6f s and ended at %.6f s, fits no order: the %s %s was %s"):format(operation.said,
    operation.node, operation.from, operation.to, search.kind, search.name, shown(states, objects.kinds[search.kind]))
end

-- Goes on from a state of the search to an event; returns the state there, or nil.
local function continue(search, from, log, till, steps)
  local result <const>, operation <const>, states <const> = order.continue(from, log.events, till, steps)
  if operation then
    search.verdict, search.why = false, explain(search, operation, states)
  elseif not result then
    search.verdict, search.why = "undecided", ("%s %s: undecided after %d steps"):format(search.kind, search.name, steps)
  end
  return result
end

-- The last state that stays true as long as operations that have been open for long do: if one of them succeeds, or has failed,
-- the search begins again before it.
local function stand(search)
  for _, operation in ipairs(search.long or {}) do
    if operation.kind == "ok" or operation.kind == "fail" then
      search.ahead = nil
    end
  end
  local ahead <const>, settled <const> = search.ahead, search.settled
  return ahead and ahead.at > settled.at and ahead or settled
end

-- Searches to the last event. All that is known of operations that were invoked before the first one that is open stays true,
-- so the search up to there is kept; and likewise that up to the first one that has not been open for long.
local function search_all(search, log, steps)
  search.settled = continue(search, search.settled, log, log:settled(), steps) or search.settled
  local from, till <const>, long <const> = stand(search), log:standing()
  if search.verdict == true and till > from.at then
    from = continue(search, from, log, till, steps)
    search.ahead, search.long = from, long
  end
  if search.verdict == true and from.at < #log.events then
    continue(search, from, log, #log.events, steps)
  end
end

-- Sets the verdict of an object.
local function decide(search, log, steps)
  local ready = search.changes == log.changes
  if search.verdict == "undecided" then
    ready = steps <= search.steps
  end
  if not ready and search.verdict ~= false then
    search.verdict, search.why, search.changes, search.steps = true, nil, log.changes, steps
    search_all(search, log, steps)
  end
end

local kind_of_object <const> = check.kind('"register", "set", "queue" or a table of them', function(value)
  return objects.kinds[value] ~= nil or type(value) == "table"
end)

local function kind_of(kinds, name)
  local kind = kinds
  if type(kinds) == "table" then
    kind = kinds[name]
    check.expect(objects.kinds[kind], "linearizable: object '%s' is %s (%s = \"register\", \"set\" or \"queue\" expected)",
      name, kind == nil and "not named" or check.quoted(kind), name)
  end
  return kind
end

local function issame(kinds, others)
  if type(kinds) ~= "table" or type(others) ~= "table" then
    return kinds == others
  end
  for name, kind in pairs(others) do
    if kinds[name] ~= kind then
      return false
    end
  end
  return true
end

-- The logs to look at, in their order: all, or with the same kinds as before those that have changed, or are not linearizable.
local function waiting(self, kinds)
  local all <const> = self.notes:read()
  if not issame(kinds, self.kinds) then
    for _, log in ipairs(all.logs) do
      all:change(log)
    end
    self.kinds = kinds
    if type(kinds) == "table" then
      self.kinds = {}
      for name, kind in pairs(kinds) do
        self.kinds[name] = kind
      end
    end
  end
  table.sort(all.changed, function(a, b) return a.number < b.number end)
  return all.changed
end

-- Searches a log as far as it has changed.
local function judge(self, log, kinds, steps)
  local search <const> = search_of(self, log.name, kind_of(kinds, log.object))
  search.valid = log:check(objects.kinds[search.kind], search.kind, search.valid)
  decide(search, log, steps)
  return search
end

--- Are the operations linearizable? There has to be an order of the operations on each object in which each one has its effect
-- at once, between its invocation and its end, and has the result that was reported. Objects are checked one by one: all of
-- them are linearizable together where each one is (Herlihy and Wing 1990). The search is that of Wing and Gong (1993),
-- shortened as by Lowe (2017).
--
-- In an invariant, what has been searched is kept: a call without new results costs next to nothing. The result `"undecided"`
-- does not end a run, so test for it at the end.
-- @param kinds `"register"`, `"set"` or `"queue"`; or one of them for each object, by the object's name
-- @tparam[opt] table options
-- @tparam[opt=1000000] integer options.steps of a search after which an object is undecided, 1 or more; a million take some
-- 1 to 10 s. An object that was undecided is searched again only with more steps
-- @return true, false or `"undecided"`
-- @treturn ?string the first operation that fits no order, with the states in which it was tried; or the object that is
-- undecided
-- @raise where a note is no operation, or a method, its arguments or its result are not those of the object; the error names
-- the node and the time
-- @usage net:always(function() return net:history():linearizable "register" end, "x is one register")
function History:linearizable(kinds, options)
  check.argument(1, "linearizable", kinds, kind_of_object)
  options = check.options(options, { steps = check.integer(1, math.maxinteger) })
  local verdict, why, left = true, nil, {}
  for _, log in ipairs(waiting(self, kinds)) do
    local search <const> = verdict ~= false and judge(self, log, kinds, options.steps or 1000000)
    if search and search.verdict ~= true then
      verdict, why = search.verdict, search.why
    end
    left[#left + 1] = not (search and search.verdict == true) and log or nil
  end
  self.notes:keep(left)
  return verdict, why
end

return history
