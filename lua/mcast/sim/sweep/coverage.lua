-- The states that a run has reached, as a search by novelty sees them: by the events of its traces, without names of nodes.
local draws <const> = require "mcast.sim.sweep.draws"

local coverage = {}

-- A number roughly: those below `exact`, a power of two, are exact, then come powers of two.
local function rough(number, exact)
  if number < exact then
    return number
  end
  while 2 * exact <= number do
    exact = 2 * exact
  end
  return exact
end

-- A text with its numbers roughly.
local function plain(text)
  return (tostring(text):gsub("%d+", function(digits) return rough(tonumber(digits), 16) end))
end

-- The kind of a datagram: its first word.
local function kindof(data)
  return data:match "^[%a_-]+" or data:match "^%d" and "number" or "bytes"
end

local Reader <const> = {}
local metatable <const> = { __index = Reader }

-- A state is reached for the first time.
function Reader:see(...)
  local name <const> = table.concat({ ... }, "\0")
  if not self.known[name] then
    self.known[name] = true
    self.states[#self.states + 1] = { name = name, time = self.time }
  end
end

-- So many events of a kind have happened.
function Reader:count(...)
  local name <const> = table.concat({ ... }, " ")
  local count <const> = (self.counts[name] or 0) + 1
  self.counts[name] = count
  if rough(count, 4) == count then
    self:see("count", name, count)
  end
end

-- A node's notes as text.
local function described(notes)
  local words = {}
  for key, value in pairs(notes) do
    words[#words + 1] = key .. "=" .. value
  end
  table.sort(words)
  return table.concat(words, " ")
end

-- A node has noted a state: a new one of its own, after the one before, and beside those of the other nodes.
function Reader:note(node, key, value)
  node.notes[key] = plain(value)
  local before <const> = node.state
  node.state = described(node.notes)
  if node.state ~= before then
    self:see("turn", before, node.state)
    local counts, words = {}, {}
    for _, other in pairs(self.nodes) do
      counts[other.state] = (counts[other.state] or 0) + 1
    end
    for state, count in pairs(counts) do
      words[#words + 1] = state .. "*" .. rough(count, 4)
    end
    table.sort(words)
    self:see("all", table.concat(words, ";"))
  end
end

function Reader:node(name)
  local node = self.nodes[name]
  if not node then
    node = { notes = {}, state = "", last = "" }
    self.nodes[name] = node
  end
  return node
end

local read = {}

-- An edge: from the kind that a node received last to that which it sends.
function read.send(self, node, event)
  local kind <const> = kindof(event.data)
  self:see("edge", node.last, kind)
  self:count("sent", kind)
end

function read.deliver(self, node, event)
  local kind <const> = kindof(event.data)
  self:see("order", node.last, kind)
  self:see("received", node.state, kind)
  node.last = kind
end

function read.drop(self, node, event)
  local kind <const> = kindof(event.data)
  self:see("drop", event.reason, node.state, kind)
  self:count("dropped", event.reason, kind)
end

function read.note(self, node, event)
  if event.key then
    self:note(node, event.key, event.value)
  elseif not event.fault then
    self:see("note", plain(event.text), node.last)
    self:count("noted", plain(event.text))
  end
end

-- Faults of a node, and its ends and beginnings.
local function other(self, node, event)
  self:see("fault", event.kind, node.state, node.last)
  self:count("fault", event.kind)
  node.last = event.kind
  if event.kind == "restart" then
    node.notes, node.state = {}, ""
  end
end

for _, kind in ipairs { "crash", "restart", "pause", "resume", "clock" } do
  read[kind] = other
end

-- The states that nets have reached as text: the time of the last event, then a hash and a time for each state.
function coverage.text(nets)
  local self <const>, words = setmetatable({ states = {}, known = {} }, metatable), {}
  local last = 0
  for _, net in ipairs(nets) do
    self.nodes, self.counts = {}, {}
    for i = 1, net.core:count() do
      local event <const> = net.core:event(i)
      local f <const> = read[event.kind]
      self.time = event.time
      if f and event.node then
        f(self, self:node(event.node), event)
      end
    end
    last = math.max(last, self.time or 0)
  end
  for i, state in ipairs(self.states) do
    words[i] = string.pack("<jn", draws.hash(state.name), state.time)
  end
  return string.pack("<n", last) .. table.concat(words)
end

-- The time of the last event, and the list of states: {hash =, time =}.
function coverage.read(text)
  local last <const>, at = string.unpack("<n", text)
  local states = {}
  while at <= #text do
    local state = {}
    state.hash, state.time, at = string.unpack("<jn", text, at)
    states[#states + 1] = state
  end
  return last, states
end

return coverage
