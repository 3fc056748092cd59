-- Small random histories, and the definition of linearizability itself, with models of its own: each order is tried.
local brute = {}

-- Each method returns the next state, a list that is not changed, and the result.
local models <const> = { register = {}, set = {}, queue = {} }

function models.register.read(state) return state, tostring(state[1]) end

function models.register.write(_, value) return { value } end

function models.register.cas(state, old, new)
  local equal <const> = tostring(state[1]) == old
  return equal and { new } or state, tostring(equal)
end

local function without(state, value)
  local list = {}
  for _, one in ipairs(state) do
    list[#list + 1] = one ~= value and one or nil
  end
  return list
end

function models.set.add(state, value)
  local others <const> = without(state, value)
  local new <const> = #others == #state
  table.insert(others, value)
  return others, tostring(new)
end

function models.set.remove(state, value)
  local others <const> = without(state, value)
  return others, tostring(#others < #state)
end

function models.set.contains(state, value) return state, tostring(#without(state, value) < #state) end

function models.queue.enqueue(state, value)
  local list <const> = table.move(state, 1, #state, 1, {})
  table.insert(list, value)
  return list
end

function models.queue.dequeue(state) return table.move(state, 2, #state, 1, {}), tostring(state[1]) end

-- Methods, with their number of arguments, and whether their results are reported.
local methods <const> = {
  register = { { "read", 0, true }, { "read", 0, true }, { "write", 1 }, { "cas", 2, true } },
  set = { { "add", 1, "maybe" }, { "remove", 1, "maybe" }, { "contains", 1, true } },
  queue = { { "enqueue", 1 }, { "enqueue", 1 }, { "dequeue", 0, true } },
}

local function result_of(random, kind, name)
  if kind == "set" or name == "cas" then
    return random(2) == 1 and "true" or "false"
  end
  return random(4) == 1 and "nil" or tostring(random(2))
end

local function invoke(random, kind, number)
  local name <const>, count <const>, reported <const> = table.unpack(methods[kind][random(#methods[kind])])
  local arguments = {}
  for i = 1, count do
    arguments[i] = tostring(random(2))
  end
  return { name = name, arguments = arguments, reported = reported, number = number, tried = random(10) <= 8 }
end

-- A list of events: `{kind, operation}`. A third of the histories is of an object that the operations really change, at a time
-- between invocation and end, or not at all; the others have wrong results, too.
function brute.history(random, kind, most, clients)
  local events, open, state, number = {}, {}, {}, 0
  local honest <const> = random(3) == 1
  while number < most or #open > 0 and random(5) > 1 do
    if number < most and #open < clients and random(2) == 1 then
      number = number + 1
      open[#open + 1] = invoke(random, kind, number)
      events[#events + 1] = { "invoke", open[#open] }
    elseif #open > 0 then
      local operation <const> = open[random(#open)]
      if not operation.done and operation.tried and random(2) == 1 then
        operation.done = true
        state, operation.result = models[kind][operation.name](state, table.unpack(operation.arguments))
      elseif operation.done or not operation.tried or not honest then
        local ended = random(6) == 1 and "unknown" or operation.done and "ok" or "fail"
        if not honest then
          ended = ({ "ok", "ok", "ok", "ok", "fail", "unknown" })[random(6)]
          operation.result = random(2) == 1 and operation.result or result_of(random, kind, operation.name)
        end
        if ended ~= "ok" or not operation.reported or operation.reported == "maybe" and random(2) == 1 then
          operation.result = nil
        end
        events[#events + 1] = { ended, operation }
        table.remove(open, brute.find(open, operation))
      end
    end
  end
  return events
end

function brute.find(list, value)
  for i, one in ipairs(list) do
    if one == value then
      return i
    end
  end
end

-- The events as those of a trace, each operation by a node of its own.
function brute.trace(events)
  local trace = {}
  for i, event in ipairs(events) do
    local kind <const>, operation <const> = event[1], event[2]
    local words = { kind, operation.number, operation.name, "x", table.unpack(operation.arguments) }
    words[#words + 1] = kind == "ok" and operation.result or nil
    trace[i] = { time = i / 1000, node = "n" .. operation.number, kind = "note", key = "op", value = table.concat(words, " ") }
  end
  return trace
end

-- Operations of the first events, with the places of their invocation and end.
local function read(events, count)
  local list, byoperation = {}, {}
  for i = 1, count do
    local kind <const>, operation <const> = events[i][1], events[i][2]
    if kind == "invoke" then
      byoperation[operation] = { name = operation.name, arguments = operation.arguments, from = i, to = math.huge }
      table.insert(list, byoperation[operation])
    else
      local one <const> = byoperation[operation]
      one.ended = kind
      if kind == "ok" then
        one.to, one.result = i, operation.result
      elseif kind == "fail" then
        table.remove(list, brute.find(list, one))
      end
    end
  end
  return list
end

-- Is there an order of the rest? One may be next if no other one that has succeeded ended before it began; one that has not
-- succeeded may be left out.
local function search(kind, rest, state)
  local finished = true
  for _, operation in ipairs(rest) do
    finished = finished and operation.ended ~= "ok"
  end
  if finished then
    return true
  end
  for i, operation in ipairs(rest) do
    local first = true
    for _, other in ipairs(rest) do
      first = first and not (other ~= operation and other.to < operation.from)
    end
    if first then
      local others <const> = table.move(rest, 1, #rest, 1, {})
      table.remove(others, i)
      local after <const>, result <const> = models[kind][operation.name](state, table.unpack(operation.arguments))
      if (operation.ended ~= "ok" or not operation.result or operation.result == result) and search(kind, others, after) then
        return true
      end
    end
  end
  return false
end

function brute.islinearizable(kind, events, count)
  return search(kind, read(events, count), {})
end

return brute
