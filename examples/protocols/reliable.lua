-- Sends a file to any number of receivers by multicast: each requests the blocks that it misses, and repairs go to all.
-- usage: lua5.4 reliable.lua [--interface I] [--group G] [--port P] [--rate R] [--grtt S] [--gsize N] send|receive FILE
-- R: bytes a second, S: seconds of the greatest round trip, N: about as many receivers. NORM (RFC 5740) in packets of its own.
local mcast <const> = require "mcast"
local loop <const>, wire <const> = require "mcast.loop".new(), require "mcast.wire"

local NORM_DATA <const>, NORM_CMD <const>, NORM_NACK <const> = 2, 3, 4 -- RFC 5740, 4.1
local K <const>, NORM_ROBUST_FACTOR <const>, SILENCE <const> = 4, 20, 5 -- a back-off in GRTTs; repetitions; seconds
local SEGMENT <const>, RANGES <const>, BURST <const> = 1400, 230, 0.03 -- bytes of a block; of a NACK; seconds owed

local options <const> = { group = "239.255.57.40", port = 5740, interface = "", rate = 1e6, grtt = 0.05, gsize = 10 }
for i = 1, #arg - 2, 2 do
  local name <const>, value = arg[i]:match "^%-%-(%l+)$", arg[i + 1]
  if type(options[name]) == "number" then value = (tonumber(value) or 0) > 0 and tonumber(value) end
  options[name] = assert(options[name] and value, "usage: reliable.lua [options] send|receive FILE")
end
local GRTT <const>, group <const> = options.grtt, assert(mcast.address(options.group, options.port))
local sock <close> = assert(mcast.socket { port = group.port, family = group.family, interface = options.interface })
assert(sock:join(group.host) and sock:setoption("rcvbuf", 1 << 22))

-- 64 bits of a file's contents: they name the transfer, and show in the end that the copy is whole.
local function digest(file)
  local sum = file:seek "end" + file:seek "set"
  for bytes in file:lines(1 << 16) do
    local chunk <const> = bytes .. ("\0"):rep(-#bytes % 32)
    for at = 1, #chunk, 32 do
      local a <const>, b <const>, c <const>, d <const> = string.unpack("<i8i8i8i8", chunk, at)
      sum = ((((sum ~ sum >> 32 ~ a) * 0x9E3779B1 ~ b) * 0x9E3779B1 ~ c) * 0x9E3779B1 ~ d) * 0x9E3779B1
    end
  end
  return sum
end

-- The transfer: its `id` is the digest, `lowest` and `last` are numbers of blocks that a NACK may name, and one after these.
local t, handle <const> = { till = 0 }, {}
handle[NORM_NACK] = function(_, ranges)
  local least = t.lowest
  for first, length in wire.each(">I4I2", ranges) do -- in ascending order, so that a forged one names no block twice
    for number = math.max(first, least), math.min(first + length, t.last) - 1 do t.request(number) end
    least = math.max(least, first + length)
  end
end
loop:receive(sock, function(data)
  for _, packet in ipairs { data, table.unpack(sock:recvmany(0) or {}) } do -- with the rest of its train
    local kind <const>, id <const>, number <const>, at <const> = wire.unpack(">Bi8I4", packet)
    if handle[kind] and (id == t.id or kind == NORM_CMD) then handle[kind](number, packet:sub(at), id) end
  end
end)

local function send(path)
  local file <const>, sent <const>, position, total, quiet, aggregate = assert(io.open(path, "rb")), {}, 0, 0, 0, nil
  local id <const>, size <const> = digest(file), file:seek "end"
  local count <const>, interval <const>, due = -(-size // SEGMENT), SEGMENT / options.rate, 0
  loop:after(0, function()
    assert(sock:sendto(string.pack(">Bi8I4I8", NORM_CMD, id, position, size), group))
    quiet = position == count and quiet + 1 or 0 -- a receiver may send one NACK in as many as K + 1 commands
    return quiet <= NORM_ROBUST_FACTOR * (K + 1) and total <= NORM_ROBUST_FACTOR * count and 2 * GRTT or loop:stop()
  end)
  loop:after(8 * GRTT, function()
    local list <const>, now <const> = {}, mcast.now()
    while position < count and due <= now do
      if not sent[position] then
        file:seek("set", position * SEGMENT)
        list[#list + 1] = string.pack(">Bi8I4", NORM_DATA, id, position) .. assert(file:read(SEGMENT))
        sent[position], total, due = now, total + 1, math.max(due, now - BURST) + interval
      end
      position = position + 1
    end
    sock:sendmany(list, group)
    return math.max(0.005, interval)
  end)
  t = { id = id, lowest = 0, last = count, request = function(number)
    if sent[number] and mcast.now() - sent[number] > GRTT then -- else its repair is on the way
      sent[number], quiet = nil, 0
      aggregate = aggregate or loop:after((K + 1) * GRTT, function() position, aggregate = 0, nil end)
    end
  end }
end

local function receive(path)
  local L <const> = math.log(options.gsize) + 1 -- RFC 5401, 3.2.2: few wait for a short time, and the others hear these
  local function begin(id, size) -- or goes on with the part of one that was killed: zeros are not written yet
    local part <const> = ("%s.%016x"):format(path, id)
    local file <const> = io.open(part, "r+b") or assert(io.open(part, "w+b"))
    t = { id = id, size = size, part = part, file = file, left = -(-size // SEGMENT), has = {}, heard = {}, next = 0,
      lowest = 0, last = 0, till = mcast.now() + SILENCE, request = function(number) t.heard[number] = true end }
    for number = 0, (file:seek "end" - 1) // SEGMENT do
      local block <const> = file:seek("set", number * SEGMENT) and file:read(SEGMENT)
      if block:find "[^\0]" then handle[NORM_DATA](number, block) end
    end
  end
  local function send_nack()
    local map <const>, ranges <const> = {}, {}
    for number = t.lowest, t.last - 1 do map[#map + 1] = (t.has[number] or t.heard[number]) and "." or "!" end
    for at, run in table.concat(map):gmatch "()(!+)" do ranges[#ranges + 1] = string.pack(">I4I2", t.lowest + at - 1, #run) end
    if #ranges == 0 then return mcast.note(next(t.heard) and "is suppressed" or "needs nothing") end
    sock:sendto(string.pack(">Bi8I4", NORM_NACK, t.id, 0) .. table.concat(ranges, "", 1, math.min(#ranges, RANGES)), group)
  end
  handle[NORM_DATA] = function(number, block)
    if t.has[number] or block == "" or #block ~= math.min(SEGMENT, t.size - number * SEGMENT) then return end
    if t.file:seek("set", number * SEGMENT) and t.file:write(block) then t.has[number], t.left = true, t.left - 1 end
  end
  handle[NORM_CMD] = function(position, rest, id)
    local now <const>, size <const> = mcast.now(), wire.unpack(">I8", rest)
    if t.id ~= id and (now <= t.till or not size or size < 0) then return elseif t.id ~= id then begin(id, size) end
    while t.has[t.lowest] do t.lowest = t.lowest + 1 end
    t.till, t.last = now + SILENCE, math.min(position, t.lowest + 0xFFFF)
    if t.left == 0 then
      local whole <const> = digest(t.file) == id and assert(os.rename(t.part, path))
      mcast.note(whole and "complete" or "begins again")
      if whole then handle[NORM_CMD] = loop:stop() elseif os.remove(t.part) then begin(id, size) end
    elseif t.lowest < position and now >= t.next then
      local wait <const> = K * GRTT / L * math.log(math.random() * (math.exp(L) - 1) + 1)
      t.heard, t.next = {}, now + wait + (K + 2) * GRTT -- RFC 5740, 5.3: repairs may come until then
      loop:after(wait, send_nack)
    end
  end
end
assert(({ send = send, receive = receive })[arg[#arg - 1]], "usage: reliable.lua [options] send|receive FILE")(arg[#arg])
loop:run()
