-- A trace file that grows, as pieces of JSON: lists of rows for the page, which src/page/model.js reads.
local file <const> = require "mcast.trace.file"
local rows <const> = require "mcast.timeline.rows"

local Feed = {}
Feed.__index = Feed

local PIECE <const>, BYTES <const> = 500, 256 -- events of a piece, and bytes that are kept of a datagram
local MOST <const> = 200000                   -- events of a view, which stay in memory

-- The numbers of a datagram's sends, by sender, destination and bytes.
local function sends_of(self, event)
  local key <const> = ("%d %s:%d %d %s"):format(event.from.port, event.to.host, event.to.port, #event.data,
    event.data:sub(1, BYTES))
  local sends <const> = self.sends[key] or {}
  self.sends[key] = sends
  return sends, key
end

local function number(self)
  self.packets = self.packets + 1
  return self.packets
end

-- Gives a send a number, and a copy that of its send: the n-th copy at a socket is of the n-th send. One that another host sent
-- gets a send by a node that is named after its sender.
local function relate(self, event)
  local sends <const>, key = sends_of(self, event)
  if event.kind == "send" then
    event.packet = number(self)
    sends[#sends + 1] = event.packet
    return
  end
  local own <const> = self.own[event.from.host]
  key = ("%s %s %s"):format(event.socket, event.from.host, key)
  local nth <const> = (self.copies[key] or 0) + 1
  self.copies[key] = nth
  event.packet = own and sends[nth] or nil
  if not event.packet then
    event.packet = number(self)
    self.writer:event { kind = "send", node = event.from.host, host = event.from.host, time = event.time, from = event.from,
      to = event.to, data = event.data, packet = event.packet }
  end
end

-- Adds an event. The page wants them in the order of their times: one that the script received late is drawn at that time.
local function add(self, event)
  self.last = math.max(self.last, event.time)
  event.time = self.last
  if event.data then
    relate(self, event)
  end
  if event.kind ~= "log" or self.lines then
    self.writer:event(event)
    self.count = self.count + 1
  end
  if self.count == MOST then
    self.writer:event { kind = "note", node = event.node, time = event.time, text = "the live view has no further events" }
  end
end

-- Ends the piece that was being made.
local function finish(self)
  if self.parts[1] then
    self.pieces[#self.pieces + 1] = "[" .. table.concat(self.parts):gsub("\n", ""):gsub(",$", "") .. "]"
    self.parts = {}
  end
end

-- The next whole line, or nil.
local function readline(self)
  local text <const> = self.input:read "L"
  if not text then
    self.input:seek "cur" -- so that the next read looks for more
    return nil
  end
  self.rest = self.rest .. text
  if self.rest:sub(-1) ~= "\n" then
    return nil
  end
  local line <const> = self.rest
  self.rest = ""
  return line
end

local function begin(self, line)
  local header <const>, message <const> = file.readheader(line, self.path)
  self.header = header or error({ status = 1, message = message }, 0)
  for _, host in ipairs(header.addresses or {}) do
    self.own[host] = true
  end
end

-- Reads the new bytes of the file, a piece or so at a time. Returns whether there were any.
function Feed:pull()
  local read = 0
  while read < PIECE and self.count < MOST do
    local line <const> = readline(self)
    if not line then
      break
    end
    read = read + 1
    if not self.header then
      begin(self, line)
    else
      local event <const> = file.readevent(line, self.header)
      if event then
        add(self, event)
      end
    end
  end
  finish(self)
  return read > 0
end

function Feed:close()
  self.input:close()
end
Feed.__close = Feed.close

local feed = {}

-- Opens a trace file. Options: `lines` (with the lines that the script prints), `describe`.
function feed.open(path, options)
  local input <const>, message <const> = io.open(path, "rb")
  if not input then
    return nil, message
  end
  local self <const> = setmetatable({ path = path, input = input, rest = "", pieces = {}, parts = {}, sends = {}, copies = {},
    own = {}, packets = 0, count = 0, last = 0, lines = options.lines }, Feed)
  self.writer = rows.writer(function(...)
    for _, part in ipairs { ... } do
      self.parts[#self.parts + 1] = part
    end
  end, BYTES, options.describe)
  return self
end

return feed
