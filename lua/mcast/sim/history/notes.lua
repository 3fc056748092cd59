-- Reads the operations of a trace: notes with the key "op".
local check <const> = require "mcast.check"
local objects <const> = require "mcast.sim.history.objects"

local notes = {}

-- The operations on one object. Each one is in `events` at its invocation, and at its end if it succeeded.
local Log = {}
local log_metatable <const> = { __index = Log }

-- The number of events before the invocation of the first operation that is open.
function Log:settled()
  local events <const> = self.events
  while events[self.first] and events[self.first].kind do
    self.first = self.first + 1
  end
  return self.first - 1
end

local LONG <const> = 64 -- events after which an operation that is open may stay so

-- The number of events before the invocation of the first operation that is open, but not for long; and a list of those that
-- have been open for long.
function Log:standing()
  local long, count <const> = {}, #self.events
  for _, operation in ipairs(self.open) do
    if operation.begun + LONG > count then
      return operation.begun - 1, long
    end
    long[#long + 1] = operation
  end
  return count, long
end

-- Raises for a text that is no operation, or not one of its object.
function notes.refuse(text, node, time, message, ...)
  check.fail("operation %q of %s at %.6f s: %s", text, node, time, message:format(...))
end

-- Raises for an operation that is not one of such an object: its method, or the number of its words.
local function check_operation(operation, object, kind)
  local method <const> = object.methods[operation.method]
  local function refuse(...)
    notes.refuse(operation.said, operation.node, operation.to or operation.from, ...)
  end
  if not method then
    refuse("a %s has no method '%s' (%s expected)", kind, operation.method, objects.methods(kind))
  elseif #operation.arguments ~= method.arguments then
    local s <const> = method.arguments == 1 and "" or "s"
    refuse("%s of a %s has %d argument%s, got %d", operation.method, kind, method.arguments, s, #operation.arguments)
  elseif operation.kind == "ok" and (operation.result and not method.result or not operation.result
    and method.result == "needed") then
    refuse("%s of a %s has %s", operation.method, kind, operation.result and "no result"
      or ("a result, at the end of the note: ok %d %s result"):format(operation.number, operation.text))
  elseif operation.result and method.truth and operation.result ~= "true" and operation.result ~= "false" then
    refuse("bad result '%s' (true or false expected)", operation.result)
  end
end

-- Checks the events after the first ones, which have been checked, as those of an object.
function Log:check(object, kind, checked)
  for i = checked + 1, #self.events do
    check_operation(self.events[i], object, kind)
  end
  return #self.events
end

local Notes = {}
local metatable <const> = { __index = Notes }

function notes.new(trace)
  return setmetatable({ trace = trace, at = 0, open = {}, operations = {}, logs = {}, byname = {}, changed = {} }, metatable)
end

-- Adds a log to those that have changed.
function Notes:change(log)
  if not self.changed[log] then
    self.changed[log] = true
    table.insert(self.changed, log)
  end
end

-- These alone have changed, until others do.
function Notes:keep(list)
  self.changed = {}
  for _, log in ipairs(list) do
    self:change(log)
  end
end

-- The log of an operation, which changes it.
local function log_of(self, operation)
  local name <const> = objects.name(operation)
  local log = self.byname[name]
  if not log then
    log = setmetatable({ name = name, object = operation.object, events = {}, open = {}, first = 1, changes = 0,
      number = #self.logs + 1 }, log_metatable)
    self.byname[name], self.logs[log.number] = log, log
  end
  self:change(log)
  return log
end

local function invoke(self, open, operation)
  open[operation.number] = operation
  table.insert(self.operations, operation)
  local log <const> = log_of(self, operation)
  table.insert(log.events, operation)
  table.insert(log.open, operation)
  operation.begun = #log.events
end

local function remove(list, entry)
  for i, one in ipairs(list) do
    if one == entry then
      return table.remove(list, i)
    end
  end
end

local function finish(self, open, operation, kind, time)
  local log <const> = log_of(self, operation)
  open[operation.number] = nil
  remove(log.open, operation)
  operation.kind, operation.to = kind, time
  if kind == "ok" then
    table.insert(log.events, operation)
    operation.finished = #log.events
  end
  log.changes = log.changes + (kind == "unknown" and 0 or 1)
end

local function split(text)
  local words = {}
  for word in text:gmatch "%S+" do
    words[#words + 1] = word
  end
  return words
end

local ends <const> = { ok = true, fail = true, unknown = true }

-- The result after the words of the invocation: one word, or none.
local function read_result(operation, kind, text, refuse)
  local rest <const> = text:sub(1, #operation.text) == operation.text and text:sub(#operation.text + 1)
  if not rest or not (rest == "" or kind == "ok" and rest:find "^ %S+$") then
    refuse("it was invoked as '%s'", operation.text)
  end
  return rest ~= "" and rest:sub(2) or nil
end

-- Reads a note; `open` has the operations of its node that are open, by number.
local function read(self, open, event)
  local said <const> = event.value
  local function refuse(...)
    notes.refuse(tostring(said), event.node, event.time, ...)
  end
  local words <const> = type(said) == "string" and split(said) or {}
  if #words < 4 or table.concat(words, " ") ~= said then
    refuse "kind, number, method and object expected, with one space between words"
  end
  local kind <const>, number <const> = words[1], words[2]:find "^%d+$" and math.tointeger(tonumber(words[2]))
  local operation <const>, text <const> = open[number], said:match "^%S+ %S+ (.*)$"
  if not number then
    refuse("bad number '%s' (digits expected)", words[2])
  elseif kind == "invoke" then
    if operation then
      refuse("%d is open, invoked at %.6f s", number, operation.from)
    end
    invoke(self, open, { node = event.node, number = number, method = words[3], object = words[4], said = said, text = text,
      arguments = table.move(words, 5, #words, 1, {}), from = event.time })
  elseif not ends[kind] then
    refuse("bad kind '%s' (invoke, ok, fail or unknown expected)", kind)
  elseif not operation then
    refuse("%d is not open (note \"invoke %d %s\" before)", number, number, text)
  else
    operation.result, operation.said = read_result(operation, kind, text, refuse), said
    finish(self, open, operation, kind, event.time)
  end
end

-- The node of these events no longer knows its open operations.
local leaves <const> = { crash = true, restart = true, ["end"] = true, fail = true }

local function leave(self, open, time)
  local list = {}
  for _, operation in pairs(open) do
    list[#list + 1] = operation
  end
  for _, operation in ipairs(list) do
    finish(self, open, operation, "unknown", time)
  end
end

-- Reads the events since the last call. One that is refused is read, and refused, again.
function Notes:read()
  local trace <const> = self.trace
  for i = self.at + 1, #trace do
    local event <const> = trace[i]
    if event.kind == "note" and event.key == "op" then
      self.open[event.node] = self.open[event.node] or {}
      read(self, self.open[event.node], event)
    elseif leaves[event.kind] then
      leave(self, self.open[event.node] or {}, event.time)
    end
    self.at = i
  end
  return self
end

return notes
