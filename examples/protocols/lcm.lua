-- LCM, Lightweight Communications and Marshalling: publishes files as messages, or receives messages, by UDP multicast.
-- usage: lua5.4 lcm.lua publish CHANNEL FILE [CHANNEL FILE ...] [options]    (FILE -: standard input)
--        lua5.4 lcm.lua subscribe PATTERN [PREFIX] [options]    (a Lua pattern of channels; files PREFIX1, PREFIX2 ...)
-- options: --group G, --port P, --interface I, --ttl N, --datagram BYTES (at most), --rate BYTES_PER_SECOND
local mcast <const> = require "mcast"
local wire <const> = require "mcast.wire"

-- Names and numbers of LCM 1.3.1
local LCM2_MAGIC_SHORT <const>, LCM2_MAGIC_LONG <const> = 0x4c433032, 0x4c433033 -- "LC02", "LC03"
local MAX_FRAG_BUF_TOTAL_SIZE <const> = 1 << 24 -- bytes of incomplete messages, here of one sender; of all: four times as many
local MAX_NUM_FRAG_BUFS <const>, MAX_CHANNEL_NAME_LENGTH <const> = 1000, 63 -- messages that are remembered; bytes

local options = { group = "239.255.76.67", port = 7667, interface = "", ttl = 1, datagram = 65507, rate = 20e6 }
local usage <const>, words, i, received = "usage: see the top of lcm.lua", {}, 1, 0
while arg[i] do
  local name <const> = arg[i]:match "^%-%-(%l+)$"
  local value <const> = type(options[name]) == "string" and arg[i + 1] or tonumber(arg[i + 1])
  if name then options[name] = assert(options[name] and value, usage) else words[#words + 1] = arg[i] end
  i = i + (name and 2 or 1)
end
local group <const> = assert(mcast.address(options.group, options.port))

-- The datagrams of a message. Its bytes are the channel, a zero byte and the data; offsets count those of the data.
local function datagrams(number, channel, data)
  local bytes <const>, list <const>, room <const> = channel .. "\0" .. data, {}, options.datagram - 20
  if #bytes <= room + 12 then return { string.pack(">I4I4", LCM2_MAGIC_SHORT, number) .. bytes } end
  local count <const> = (#bytes + room - 1) // room
  for k = 0, count - 1 do
    local offset <const> = math.max(0, k * room - #channel - 1)
    local header <const> = string.pack(">I4I4I4I4I2I2", LCM2_MAGIC_LONG, number, #data, offset, k, count)
    list[k + 1] = header .. bytes:sub(k * room + 1, (k + 1) * room)
  end
  return list
end

local function publish()
  local sock <close> = assert(mcast.socket { family = group.family, interface = options.interface, ttl = options.ttl })
  local first <const> = math.random(0) -- a publisher that is restarted on the same port does not repeat numbers
  for k = 2, #words - 1, 2 do
    local file <close> = words[k + 1] == "-" and io.stdin or assert(io.open(words[k + 1], "rb"))
    local data <const> = assert(#words[k] <= MAX_CHANNEL_NAME_LENGTH and file:read "a", "a file, or a shorter name, expected")
    for _, datagram in ipairs(datagrams(first + k // 2 & 0xffffffff, words[k], data)) do
      assert(sock:sendto(datagram, group))
      mcast.sleep(#datagram / options.rate) -- a burst would overflow the buffers of receivers
    end
    print(("%s %d"):format(words[k], #data))
  end
end

-- Messages by key, complete ones too, so that a copy is dropped; the oldest first; the bytes held of a sender, and of all.
local messages <const>, order <const>, held <const> = {}, {}, {}

local function hold(message, bytes)
  message.bytes = message.bytes + bytes
  for _, owner in ipairs { message.from, "all" } do
    held[owner] = (held[owner] or 0) + bytes
    if held[owner] == 0 then held[owner] = nil end
  end
end

-- Forgets the oldest message of all, or of a sender.
local function forget(owner)
  for place, message in ipairs(order) do
    if owner == "all" or owner == message.from then
      messages[message.key] = nil
      return hold(table.remove(order, place), -message.bytes)
    end
  end
end

-- Adds fragment k to its message; returns all bytes of the message with the last one.
local function assemble(from, number, size, k, count, bytes)
  if k >= count or size > MAX_FRAG_BUF_TOTAL_SIZE then return end
  local key <const> = ("%s %d %d %d"):format(from, number, size, count)
  local message <const> = messages[key] or { key = key, from = from, bytes = 0, parts = {}, missing = count }
  if not messages[key] then
    messages[key], order[#order + 1] = message, message
    if #order > MAX_NUM_FRAG_BUFS then forget "all" end
  end
  local parts <const> = message.parts
  if not parts or parts[k] then return mcast.note "a further copy" end
  parts[k], message.missing = bytes, message.missing - 1
  hold(message, #bytes + 64) -- with Lua's own
  if message.missing == 0 then
    hold(message, -message.bytes)
    message.parts = nil
    return table.concat(parts, "", 0, count - 1)
  end
  while (held[from] or 0) > MAX_FRAG_BUF_TOTAL_SIZE do forget(from) end
  while (held.all or 0) > 4 * MAX_FRAG_BUF_TOTAL_SIZE do forget "all" end
end

local function deliver(from, channel, data)
  if #channel > MAX_CHANNEL_NAME_LENGTH or channel:match(words[2]) ~= channel then return end
  received = received + 1
  if words[3] then assert(assert(io.open(words[3] .. received, "wb")):write(data)):close() end
  print(("%s %d %s"):format(channel:gsub("[^!-~]", "."), #data, from))
end

local function receive(data, from)
  local magic <const>, number = wire.unpack(">I4I4", data)
  local size, _, k, count, after = wire.unpack(">I4I4I2I2", data, 9)
  if magic == LCM2_MAGIC_SHORT then size, k, count, after = #data, 0, 1, 9 end -- as one fragment
  if not after or magic ~= LCM2_MAGIC_SHORT and magic ~= LCM2_MAGIC_LONG then return end
  local bytes <const> = assemble(from, number, size, k, count, data:sub(after)) or ""
  local channel <const>, first = wire.unpack("z", bytes)
  if channel and (magic == LCM2_MAGIC_SHORT or #bytes == size + first - 1) then deliver(from, channel, bytes:sub(first)) end
end

local function subscribe()
  local where <const> = { port = group.port, family = group.family, interface = options.interface, rcvbuf = 1 << 22 }
  local sock <close> = assert(mcast.socket(where))
  assert(sock:join(group))
  print("subscribed to " .. words[2])
  for data, from in sock:datagrams() do receive(data, from) end
end

io.stdout:setvbuf "line"
local action <const> = words[1] == "publish" and words[3] and publish or words[1] == "subscribe" and words[2] and subscribe
assert(action, usage)()
