-- A sieve decides which faults of a run happen, where it is shrunk or replayed, and lists those that did. A fault has the same
-- name in each run of its seed: it depends on the names and numbers that also decide its fate, not on other faults.
local Sieve = {}
local metatable <const> = { __index = Sieve }

local sieve = {}

local ENDINGS <const> = { "st", "nd", "rd" }

local SHOWN <const> = 31 -- bytes of a datagram that are kept for a story, which shows 30

local function ordinal(n)
  local teen <const> = n % 100 > 10 and n % 100 < 14
  return ("%d%s"):format(n, not teen and ENDINGS[n % 10] or "th")
end

-- options: only = true, or seconds (of a copy's delay, or that a fault lasts), by the names of the faults that happen; nil: all
-- of them do. without: true by the names of nodes that never start. p: parameters of the scenario. till: the run's end.
-- usual = "mean": the usual delay of copies is the mean one, not the least one. contents = true: lost datagrams are named by
-- their bytes, where these are a few words; so are they where such a name is in `only`.
function sieve.new(options)
  local contents = options.contents
  for name in pairs(options.only or {}) do
    contents = contents or name:find [[lost: .*'s %d+%l%l "]]
  end
  return setmetatable({ only = options.only, without = options.without or {}, p = options.p, till = options.till,
    usual = options.usual, contents = contents and true, seen = {}, known = {}, nodes = {}, nets = 0 }, metatable)
end

-- The name of something in a net: that of the second net and of later ones begins with its number.
local function full(net, name)
  return net.ordinal > 1 and ("net %d: %s"):format(net.ordinal, name) or name
end

-- Marks a fault on the line of the node, or of the host, that it is at.
local function mark(net, fault, seconds)
  local text <const> = math.type(seconds) and ("%s, %s %.14g s"):format(fault.short, fault.word, seconds) or fault.short
  for _, node in ipairs(net.nodes) do
    if node.on.name == fault.at or node.name == fault.at then
      net.core:record(node.id, { kind = "fault", text = text })
      return
    end
  end
end

-- Notes a fault that happens; false where it does not.
local function decide(self, net, name, fault)
  name = full(net, name)
  local wanted <const> = not self.only or self.only[name]
  if wanted and self.marks then
    mark(net, fault, wanted)
  end
  if wanted and not self.known[name] then
    self.known[name] = true
    fault.name, fault.time = name, net:now()
    self.seen[#self.seen + 1] = fault
  end
  return wanted
end

-- The how-manieth datagram with these bytes it is, of those from a place to another one.
local function repetition(net, way, number, data)
  local known = net.contents[way]
  if not known then
    known = { counts = {}, numbers = {} }
    net.contents[way] = known
  end
  if not known.numbers[number] then
    known.counts[data] = (known.counts[data] or 0) + 1
    known.numbers[number] = known.counts[data]
  end
  return known.numbers[number]
end

-- A datagram as it is named: "3rd datagram", or by its bytes: '2nd "data 7"'. This name stays the same where another one is not
-- repeated any more.
local function named(self, net, kind, way, number, data)
  if not (self.contents and kind == "lost" and #data <= 40 and data:find '^[ !#-~]+$') then
    return ordinal(number) .. " datagram"
  end
  return ('%s "%s"'):format(ordinal(repetition(net, way, number, data)), data)
end

-- Decides on a fault of a copy; or on a copy that is not lost, whether it is to be.
local function copy(self, net, kind, sender, number, receiver, seconds, data, from, to)
  local drawn <const> = kind ~= "not lost"
  kind = drawn and kind or "lost"
  local port <const> = from.port ~= to.port and (" from port %d"):format(from.port) or ""
  local datagram <const> = named(self, net, kind, ("%s%s to %s"):format(sender, port, to), number, data)
  local name <const> = ("%s: %s's %s%s to %s at %s"):format(kind, sender, datagram, port, to, receiver)
  if not drawn and not (self.only and self.only[full(net, name)]) then
    return false
  end
  return decide(self, net, name, { kind = kind, data = data:sub(1, SHOWN), at = receiver, word = "after",
    short = ("%s: %s's %s"):format(kind, sender, ordinal(number)), seconds = seconds > 0 and seconds or nil })
end

-- From now on it decides on the faults of a net.
function Sieve:sift(net)
  self.nets = self.nets + 1
  net.sieve, net.ordinal, net.counted, self.net = self, self.nets, {}, net
  net.contents = {}
  net.core:sieve(function(...) return copy(self, net, ...) end, self.usual == "mean", self.contents)
end

-- The how-manieth fault of this name is next?
local function count(net, name)
  net.counted[name] = (net.counted[name] or 0) + 1
  return net.counted[name]
end

-- Counts one that is no fault in this run, but may be in others, where fewer faults happen.
function sieve.skip(net, name)
  if net.sieve then
    count(net, name)
  end
end

-- Does the next fault of this name happen, such as "crash of node-1"? With lists of names of hosts after a format. Returns
-- false, or a value for sieve.begin.
function sieve.passes(net, name, kind, from, to)
  local self <const> = net.sieve
  if not self then
    return true
  end
  if kind then
    name = name:format(kind, table.concat(from, ", "), table.concat(to, ", "))
  end
  local number <const> = count(net, name)
  local numbered <const> = number > 1 and ("%s %s"):format(ordinal(number), name) or name
  local fault <const> = { kind = name:match "^%S+", at = from and from[1] or name:match ".* of (.+)$", short = numbered,
    word = "for", net = net }
  fault.given = decide(self, net, numbered, fault)
  return fault.given and fault
end

-- A fault that passed has begun; undo ends it, where it is to last a given time only.
function sieve.begin(net, fault, undo)
  if type(fault) == "table" and math.type(fault.given) then
    net.core:call(net:now() + fault.given, undo)
  end
end

-- A fault that passed has ended.
function sieve.over(fault)
  if type(fault) == "table" and not fault.lasted then
    fault.lasted = fault.net:now() - fault.time
  end
end

-- Does a node of this name never start?
function sieve.omits(net, name)
  local self <const> = net.sieve
  if not self then
    return nil
  end
  name = full(net, name)
  self.nodes[#self.nodes + 1] = name
  return self.without[name]
end

-- A time, but not after the end of the run, or so many seconds before that.
function sieve.till(net, time, before)
  local till <const> = net.sieve and net.sieve.till
  return till and math.max(net:now(), math.min(time, till - (before or 0))) or time
end

return sieve
