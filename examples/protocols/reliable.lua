-- Sends a file to any number of receivers by multicast: who misses blocks requests them, and the repair goes to all.
-- usage: lua5.4 reliable.lua [--interface I] [--group G] [--port P] [--rate R] [--grtt S] [--members N] send FILE
--        lua5.4 reliable.lua [--interface I] [--group G] [--port P] receive FOLDER
-- R is in bytes a second, S the greatest round-trip time of the group in seconds, N about the number of receivers.
-- Its ideas and names are those of NORM (RFC 5740, timers: RFC 5401); its packets are not.
local mcast <const> = require "mcast"
local loop <const> = require "mcast.loop".new()
local wire <const> = require "mcast.wire"

local NORM_DATA <const>, NORM_CMD <const>, NORM_NACK <const> = 2, 3, 4 -- RFC 5740, 4.1
local K <const>, NORM_ROBUST_FACTOR <const> = 4, 20 -- back-off in GRTT, and repeats of the last command: RFC 5740, 5.1
local SEGMENT <const>, TRAIN <const> = 1400, 40 -- bytes of a block, blocks that are sent at a time
local RECORD <const>, RECORDS <const> = 255, 5 -- bytes of a bitmap, and bitmaps of a NACK

local options = { group = "239.255.57.40", port = 5740, interface = "", rate = 1e6, grtt = 0.05, members = 10 }
while arg[1] and arg[1]:find "^%-%-" do
  local name = table.remove(arg, 1):sub(3)
  local value = table.remove(arg, 1)
  options[name] = assert(type(options[name]) == "number" and tonumber(value) or options[name] == "" and value or value)
end
local group <const> = assert(mcast.address(options.group, options.port))
local nacks <const> = assert(mcast.address(options.group, options.port + 1)) -- all hear NACKs, but the sender no data

local function open(port)
  local sock <const> = assert(mcast.socket { port = port, family = group.family, interface = options.interface, rcvbuf = 4 << 20 })
  assert(sock:join(group.host))
  return sock
end

-- 64 bits that differ where two files do: the name of a transfer, and the proof that it is whole.
local function digest(file)
  local sum = file:seek "end"
  file:seek "set"
  for chunk in file:lines(1 << 16) do
    chunk = chunk .. ("\0"):rep(-#chunk % 32)
    for at = 1, #chunk, 32 do
      local a <const>, b <const>, c <const>, d <const> = string.unpack("<i8i8i8i8", chunk, at)
      sum = (sum ~ a) * 0x9E3779B97F4A7C15
      sum = (sum ~ sum >> 32 ~ b) * 0x9E3779B97F4A7C15
      sum = (sum ~ sum >> 32 ~ c) * 0x9E3779B97F4A7C15
      sum = (sum ~ sum >> 32 ~ d) * 0x9E3779B97F4A7C15
      sum = sum ~ sum >> 32
    end
  end
  return sum
end

-- Calls a function with each number that a NACK names, in records of a first number and a bitmap.
local function read_nack(data, at, action)
  for first, bitmap in wire.each(">I4s1", data, at) do
    for i = 0, 8 * #bitmap - 1 do
      if bitmap:byte(i // 8 + 1) >> i % 8 & 1 == 1 then action(first + i) end
    end
  end
end

local function send(path)
  local sock <close> = open(nacks.port)
  local file <close> = assert(io.open(path, "rb"))
  local id <const>, size <const> = digest(file), file:seek "end"
  local count <const>, grtt <const> = (size + SEGMENT - 1) // SEGMENT, options.grtt
  local sent, position, quiet, rewind = {}, 0, 0, nil -- sent: when a block was sent; nil: it is to be sent

  local function send_train()
    local list, bytes = {}, 0
    while position < count and #list < TRAIN do
      if not sent[position] then
        sent[position] = mcast.now()
        file:seek("set", position * SEGMENT)
        list[#list + 1] = string.pack(">Bi8I4", NORM_DATA, id, position) .. assert(file:read(SEGMENT))
        bytes = bytes + #list[#list]
      end
      position = position + 1
    end
    assert(sock:sendmany(list, group))
    return math.max(bytes, SEGMENT) / options.rate
  end

  local function send_command()
    assert(sock:sendto(string.pack(">Bi8I8I4I4I4s1", NORM_CMD, id, size, position, math.floor(grtt * 1e6), options.members,
      path:match "[^/]+$"), group))
    quiet = position == count and quiet + 1 or 0
    if quiet > NORM_ROBUST_FACTOR then loop:stop() end
    return 2 * grtt
  end

  loop:receive(sock, function(data)
    local kind <const>, about <const>, at <const> = wire.unpack(">Bi8", data)
    if kind ~= NORM_NACK or about ~= id or #data > SEGMENT then return end
    local lowest, now = count, mcast.now()
    read_nack(data, at, function(number)
      if sent[number] and now - sent[number] > grtt then -- else this repair is on its way
        sent[number], lowest = nil, math.min(lowest, number)
      end
    end)
    if lowest < count and not rewind then
      loop:after((K + 1) * grtt, function() -- to aggregate NACKs
        position, rewind = math.min(position, rewind), nil
      end)
    end
    if lowest < count then rewind, quiet = math.min(rewind or count, lowest), 0 end
  end)
  loop:after(0, send_command)
  loop:after(8 * grtt, send_train)
  loop:run()
  print(("sent %s, %d bytes"):format(path, size))
end

-- What a receiver has of a file, also after a crash: its blocks are in ID.part, their numbers in ID.have.
local function begin(folder, id, size, name)
  local path <const> = ("%s/%016x"):format(folder, id)
  local t <const> = { id = id, size = size, count = (size + SEGMENT - 1) // SEGMENT, left = 0, path = path, has = {}, lowest = 0,
    name = folder .. "/" .. name, heard = {} }
  t.part = assert(io.open(path .. ".part", "r+b") or io.open(path .. ".part", "w+b"))
  t.part:setvbuf "no" -- so a block is written before its number
  t.have = assert(io.open(path .. ".have", "a+b"))
  t.left = t.count
  for number in wire.each(">I4", t.have:read "a") do
    if number < t.count and not t.has[number] then t.has[number], t.left = true, t.left - 1 end
  end
  return t
end

-- Closes the files of a transfer that is over, and returns whether the part has become the file.
local function finish(t)
  t.have:close()
  local whole <const> = digest(t.part) == t.id and t.part:close() and os.rename(t.path .. ".part", t.name)
  if not whole then os.remove(t.path .. ".part") end
  os.remove(t.path .. ".have")
  return whole
end

local function receive(folder)
  local sock <close> = open(group.port)
  local overheard <close> = open(nacks.port)
  local t, busy = nil, false

  local function backoff(maximum, size) -- RFC 5401, 3.2.2: most receivers wait for long, few for a short time
    local L <const> = math.log(size) + 1
    return maximum / L * math.log(math.random() * (math.exp(L) - 1) + 1)
  end

  local function needs(number) return number < t.position and not t.has[number] and not t.heard[number] end

  local function send_nack()
    local records, number = {}, t.lowest
    while number < t.position and #records < RECORDS do
      if needs(number) then
        local bytes <const> = {}
        for base = number, number + 8 * (RECORD - 1), 8 do
          local byte = 0
          for i = 0, 7 do byte = byte | (needs(base + i) and 1 or 0) << i end
          bytes[#bytes + 1] = byte
        end
        records[#records + 1] = string.pack(">I4s1", number, (string.char(table.unpack(bytes)):gsub("\0+$", "")))
        number = number + 8 * RECORD
      else
        number = number + 1
      end
    end
    mcast.note(#records > 0 and "sends a NACK" or "is suppressed")
    if #records > 0 then overheard:sendto(string.pack(">Bi8", NORM_NACK, t.id) .. table.concat(records), nacks) end
  end

  local function command(id, size, position, grtt, members, name)
    if not t and size >= 0 and name:find "^[%w_-][%w_.-]*$" and grtt > 0 and members > 0 then t = begin(folder, id, size, name) end
    if not t or t.id ~= id then return end
    t.position = position
    t.have:flush()
    while t.has[t.lowest] do t.lowest = t.lowest + 1 end
    if busy or t.lowest >= position then return end
    busy, t.heard = true, {}
    loop:after(backoff(K * grtt / 1e6, members), function()
      send_nack()
      loop:after((K + 2) * grtt / 1e6, function() busy = false end) -- RFC 5740, 5.3: until repairs have come
    end)
  end

  local function data(id, number, at, bytes)
    if not t or t.id ~= id or t.has[number] or number >= t.count then return end
    local length <const> = math.min(SEGMENT, t.size - number * SEGMENT)
    if #bytes - at + 1 == length and t.part:seek("set", number * SEGMENT) and t.part:write(bytes:sub(at)) then
      t.have:write(string.pack(">I4", number))
      t.has[number], t.left = true, t.left - 1
    end
  end

  loop:receive(sock, function(bytes)
    for _ = 1, TRAIN do
      local kind <const>, id <const>, at <const> = wire.unpack(">Bi8", bytes)
      if kind == NORM_DATA then
        local number <const>, after <const> = wire.unpack(">I4", bytes, at)
        if number then data(id, number, after, bytes) end
      elseif kind == NORM_CMD then
        local size <const>, position <const>, grtt <const>, members <const>, name <const> = wire.unpack(">I8I4I4I4s1", bytes, at)
        if name then command(id, size, position, grtt, members, name) end
      end
      if t and t.left == 0 then return loop:stop() end
      bytes = sock:recvfrom(0)
      if not bytes then return end
    end
  end)
  loop:receive(overheard, function(bytes)
    local kind <const>, id <const>, at <const> = wire.unpack(">Bi8", bytes)
    if t and busy and kind == NORM_NACK and id == t.id then
      read_nack(bytes, at, function(number) t.heard[number] = true end)
    end
  end)
  loop:run()
  mcast.note(finish(t) and "complete" or "wrong")
  print(("received %s, %d bytes"):format(t.name, t.size))
end

local roles <const> = { send = send, receive = receive }
assert(roles[arg[1]] and arg[2], "usage: reliable.lua [options] send FILE | receive FOLDER")
roles[arg[1]](arg[2])
