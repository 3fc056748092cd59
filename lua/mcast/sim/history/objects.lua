-- Objects as one process would see them: a register, a set and a queue. An object has a state, which is text, and methods.
-- A method has the number of its `arguments`, which are words, and `apply`, which returns the list of states that are
-- possible after an operation, with the result that it reported. Its `result` is reported always ("needed"), where the script
-- knows it ("optional"), or never (nil); it is "true" or "false" where `truth` is set. `show` makes a state readable. `serves`
-- returns whether the effect of an operation can help another one to its result, or to its own effect where it has none. One
-- that is always possible, and hides the effect of one before it or goes well with it, needs no help.
local objects = { kinds = {} }

local unpack <const> = table.unpack

-- Can an operation have this result? That of one that has not ended is not known.
local function accepts(operation, result)
  return operation.kind ~= "ok" or not operation.result or operation.result == result
end

-- A method by a function of the state and the arguments that returns the next state and the result: text or a boolean.
local function method(arguments, result, f)
  local function apply(state, operation)
    local after <const>, got <const> = f(state, unpack(operation.arguments))
    return accepts(operation, tostring(got)) and { after } or {}
  end
  return { arguments = arguments, result = result, apply = apply }
end

local function truth(arguments, result, f)
  local self <const> = method(arguments, result, f)
  self.truth = true
  return self
end

--
-- A register: its state is the last value written, at first nil.
--

local function serves_register(operation, other)
  local new <const>, old <const> = operation.arguments[#operation.arguments], other.arguments[1]
  if other.method == "read" then
    return new == other.result
  end
  return other.method == "cas" and (new == old) == (other.result ~= "false")
end

objects.kinds.register = {
  initial = "nil",
  serves = serves_register,
  show = function(state) return state end,
  methods = {
    read = method(0, "needed", function(state) return state, state end),
    write = method(1, nil, function(_, value) return value end),
    cas = truth(2, "needed", function(state, old, new) return state == old and new or state, state == old end),
  },
}

--
-- One element of a set: its state is "absent" or "present". No method concerns two elements, so each is an object of its own.
--

local function serves_set(operation, other)
  local present <const> = (other.result == "true") ~= (other.method == "add")
  return other.result ~= nil and (operation.method == "add") == present
end

objects.kinds.set = {
  initial = "absent",
  serves = serves_set,
  show = function(state) return state end,
  methods = {
    add = truth(1, "optional", function(state) return "present", state == "absent" end),
    remove = truth(1, "optional", function(state) return "absent", state == "present" end),
    contains = truth(1, "needed", function(state) return state, state == "present" end),
  },
}

-- The methods of a kind of object, as messages list them.
function objects.methods(kind)
  local names = {}
  for name in pairs(objects.kinds[kind].methods) do
    names[#names + 1] = name
  end
  table.sort(names)
  return table.concat(names, ", ")
end

-- The object of an operation: the name that it has in messages.
function objects.name(operation)
  local element <const> = objects.kinds.set.methods[operation.method] and operation.arguments[1]
  return element and ("%s, element %s,"):format(operation.object, element) or operation.object
end

--
-- A queue. Two elements have an order only where the first one's enqueue ended before the second one's was invoked; of others,
-- a dequeue decides: it removes one that none is before. So the many orders of elements that nobody has removed yet are one
-- state: a list of element, number of the event of its invocation, and of its end. (Such a queue accepts the same histories:
-- Henzinger, Sezgin and Vafeiadis, "Aspect-oriented linearizability proofs", 2013.)
--

local function enqueue(state, operation)
  local last <const> = operation.kind == "ok" and operation.finished or math.huge
  local added <const> = ("%s %d %s "):format(operation.arguments[1], operation.begun, last)
  for at, first in state:gmatch "()%S+ (%d+) %S+ " do
    if math.tointeger(first) > operation.begun then
      return { state:sub(1, at - 1) .. added .. state:sub(at) }
    end
  end
  return { state .. added }
end

local function dequeue(state, operation)
  local least, list = math.huge, {}
  for last in state:gmatch "%S+ %d+ (%S+) " do
    least = math.min(least, tonumber(last) or math.huge)
  end
  for from, element, first, till in state:gmatch "()(%S+) (%d+) %S+ ()" do
    if math.tointeger(first) < least and accepts(operation, element) then
      list[#list + 1] = state:sub(1, from - 1) .. state:sub(till)
    end
  end
  return state == "" and accepts(operation, "nil") and { "" } or list
end

objects.kinds.queue = {
  initial = "",
  serves = function(operation, other) return operation.method == "dequeue" or operation.arguments[1] == other.result end,
  show = function(state) return state == "" and "empty" or state:gsub("(%S+) %d+ %S+ ", "%1 "):sub(1, -2) end,
  methods = {
    enqueue = { arguments = 1, apply = enqueue },
    dequeue = { arguments = 0, result = "needed", apply = dequeue },
  },
}

return objects
