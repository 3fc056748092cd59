-- Sends a file to any number of receivers by multicast: each requests the blocks that it misses, and repairs go to all.
-- usage: lua5.4 reliable.lua [--interface I] [--group G] [--port P] [--rate R] [--grtt S] [--gsize N] send FILE
--        lua5.4 reliable.lua [--interface I] [--group G] [--port P] receive FOLDER
-- R is bytes a second, S the greatest round-trip time in seconds, N about the number of receivers. The ways and names are those
-- of NORM (RFC 5740, RFC 5401), the packets are not: a kind, the file's digest, the number of a block, and the rest.
local mcast <const> = require "mcast"
local loop <const> = require "mcast.loop".new()
local wire <const> = require "mcast.wire"

local NORM_DATA <const>, NORM_CMD <const>, NORM_NACK <const> = 2, 3, 4 -- RFC 5740, 4.1
local K <const>, NORM_ROBUST_FACTOR <const> = 4, 20 -- RFC 5740, 5.1: GRTTs that a back-off takes, and repetitions
local SEGMENT <const>, RANGES <const>, TRAIN <const> = 1400, 275, 40 -- bytes of a block, ranges of a NACK, blocks of a train

local options <const> = { group = "239.255.57.40", port = 5740, interface = "", rate = 1e6, grtt = 0.05, gsize = 10 }
for i = 1, #arg - 2, 2 do
  local name <const> = arg[i]:match "^%-%-(%l+)$"
  options[name] = assert(options[name] and arg[i + 1], "usage: reliable.lua [options] send FILE, or receive FOLDER")
end
local group <const> = assert(mcast.address(options.group, options.port))
local sock <close> = assert(mcast.socket { port = group.port, family = group.family, interface = options.interface, rcvbuf = 4 << 20 })
assert(sock:join(group.host))

-- 64 bits of a file's contents: they name the transfer, and show in the end that the copy is whole.
local function digest(file)
  local sum = file:seek "end"
  file:seek "set"
  for chunk in file:lines(1 << 16) do
    chunk = chunk .. ("\0"):rep(-#chunk % 32)
    for at = 1, #chunk, 32 do
      local a <const>, b <const>, c <const>, d <const> = string.unpack("<i8i8i8i8", chunk, at)
      sum = ((((sum ~ a) * 0x9E3779B97F4A7C15 ~ b) * 0xBF58476D1CE4E5B9 ~ c) * 0x94D049BB133111EB ~ d) * 0x9E3779B97F4A7C15
      sum = sum ~ sum >> 32
    end
  end
  return sum
end

local handle <const> = {} -- by kind: functions of a packet's digest, number and rest
loop:receive(sock, function(data)
  for _ = 1, TRAIN do -- then timers have their turn
    local kind <const>, id <const>, number <const>, at <const> = wire.unpack(">Bi8I4", data)
    if handle[kind] then handle[kind](id, number, data:sub(at)) end
    data = sock:recvfrom(0)
    if not data then return end
  end
end)

local function send(path)
  local file <const> = assert(io.open(path, "rb"))
  local id <const>, size <const>, grtt <const>, rate <const> = digest(file), file:seek "end", tonumber(options.grtt), options.rate
  local about <const> = string.pack(">I8I4I4s1", size, grtt * 1e6 // 1, options.gsize, path:match "[^/]+$")
  local count <const>, train <const> = -(-size // SEGMENT), math.max(1, math.min(TRAIN, rate * 0.01 // SEGMENT))
  local position, sent, rewind, quiet = 0, {}, nil, 0 -- sent: when a block was sent; nil: it is to be sent
  loop:after(0, function()
    assert(sock:sendto(string.pack(">Bi8I4", NORM_CMD, id, position) .. about, group))
    quiet = position == count and quiet + 1 or 0
    if quiet > NORM_ROBUST_FACTOR then loop:stop() end
    return 2 * grtt
  end)
  loop:after(8 * grtt, function()
    local list <const>, now <const> = {}, mcast.now()
    while position < count and #list < train do
      if not sent[position] then
        file:seek("set", position * SEGMENT)
        list[#list + 1] = string.pack(">Bi8I4", NORM_DATA, id, position) .. assert(file:read(SEGMENT))
        sent[position] = now
      end
      position = position + 1
    end
    assert(sock:sendmany(list, group))
    return math.max(1, #list) * SEGMENT / rate
  end)
  handle[NORM_NACK] = function(requested, _, ranges)
    for first, length in wire.each(">I4B", requested == id and ranges or "") do
      for number = first, math.min(first + length, count) - 1 do
        if sent[number] and mcast.now() - sent[number] > grtt then -- else its repair is on the way
          if not rewind then -- requests of others may come until then
            loop:after((K + 1) * grtt, function() position, rewind = math.min(position, rewind), nil end)
          end
          sent[number], rewind, quiet = nil, math.min(number, rewind or number), 0
        end
      end
    end
  end
end

-- Blocks are in ID.part, and the numbers of those that came in ID.have, so that a receiver that was killed goes on with them.
local function begin(folder, id, size, name)
  local path <const> = ("%s/%016x"):format(folder, id)
  local t <const> = { id = id, size = size, left = -(-size // SEGMENT), lowest = 0, has = {}, path = path, file = folder .. "/" .. name,
    part = assert(io.open(path .. ".part", "r+b") or io.open(path .. ".part", "w+b")), have = assert(io.open(path .. ".have", "a+b")) }
  t.part:setvbuf "no" -- a block is written before its number
  for number in wire.each(">I4", t.have:read "a") do t.has[number], t.left = true, t.left - (t.has[number] and 0 or 1) end
  return t
end

local function send_nack(t)
  local ranges, number = {}, t.lowest
  local function isneeded() return number < t.position and not t.has[number] and not t.heard[number] end
  while number < t.position and #ranges < RANGES do
    local first <const> = number
    while isneeded() and number - first < 255 do number = number + 1 end
    if number > first then ranges[#ranges + 1] = string.pack(">I4B", first, number - first) else number = number + 1 end
  end
  mcast.note(#ranges > 0 and "sends a NACK" or "is suppressed")
  if #ranges > 0 then sock:sendto(string.pack(">Bi8I4", NORM_NACK, t.id, 0) .. table.concat(ranges), group) end
end

local function receive(folder)
  local t = {} -- the transfer that goes on
  handle[NORM_CMD] = function(id, position, rest)
    local size <const>, grtt <const>, gsize <const>, name <const> = wire.unpack(">I8I4I4s1", rest)
    if not t.id and name and size >= 0 and name:find "^[%w_-][%w_.-]*$" then t = begin(folder, id, size, name) end
    if t.id ~= id or not name then return end
    while t.has[t.lowest] do t.lowest = t.lowest + 1 end
    t.position = position
    t.have:flush()
    if t.left == 0 and digest(t.part) == id then
      assert(os.rename(t.path .. ".part", t.file))
      os.remove(t.path .. ".have")
      mcast.note "complete"
      return loop:stop()
    elseif t.left > 0 and not t.busy and t.lowest < position then
      t.busy, t.heard = true, {}
      local L <const> = math.log(gsize) + 1 -- RFC 5401, 3.2.2: most of them wait for long, and hear the NACK of a few
      loop:after(K * grtt / 1e6 / L * math.log(math.random() * (math.exp(L) - 1) + 1), function()
        send_nack(t)
        loop:after((K + 2) * grtt / 1e6, function() t.busy = false end) -- RFC 5740, 5.3: its repair may come until then
      end)
    end
  end
  handle[NORM_DATA] = function(id, number, block)
    if t.id ~= id or t.has[number] or block == "" or #block ~= math.min(SEGMENT, t.size - number * SEGMENT) then return end
    if t.part:seek("set", number * SEGMENT) and t.part:write(block) and t.have:write(string.pack(">I4", number)) then
      t.has[number], t.left = true, t.left - 1
    end
  end
  handle[NORM_NACK] = function(id, _, ranges)
    for first, length in wire.each(">I4B", t.id == id and t.busy and ranges or "") do
      for number = first, math.min(first + length, t.lowest + 0xFFFF) do t.heard[number] = true end
    end
  end
end

local role <const> = assert(({ send = send, receive = receive })[arg[#arg - 1]], "usage: reliable.lua send FILE, or receive FOLDER")
role(arg[#arg])
loop:run()
