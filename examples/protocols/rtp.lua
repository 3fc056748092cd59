-- Sends audio to a group as RTP (RFC 3550), announced by SAP (RFC 2974) and SDP (RFC 8866), or receives such a session.
-- usage: lua5.4 rtp.lua send|receive [--file F] [--name N] [--interface I] [--group G] [--port P] [--ttl N] [--sap ADDRESS]
--   [--sequence N] [--ssrc N] [--seconds S]. The file is PCMU, 8,000 bytes a second; without one: a tone, or announcements.
local mcast <const>, wire <const> = require "mcast", require "mcast.wire"
local loop <const> = require "mcast.loop".new()
local PCMU <const>, RATE <const>, SAMPLES <const> = 0, 8000, 160 -- RFC 3551, 6: type and clock rate; 20 ms a packet (4.2)
local RTP_SEQ_MOD <const>, MAX_DROPOUT <const>, MAX_MISORDER <const> = 1 << 16, 3000, 100 -- RFC 3550, A.1
local WAIT <const>, SILENCE <const> = 0.1, 1 -- seconds: for a missing packet; of a source, until another one is received
local DELETION <const>, INTERVAL <const>, TIMEOUT <const> = 4, 5, 50 -- RFC 2974, 6; ten intervals (4), longer by 3.1
local usage <const>, modes <const> = "usage: see the top of rtp.lua", { send = "rb", receive = "wb" }
local options = { file = "", name = arg[1] == "send" and "audio" or "", interface = "", group = "239.1.2.3", port = 5004,
  ttl = 1, sap = "224.2.127.254", sequence = math.random(0, 0xffff), ssrc = math.random(0, 0xffffffff), seconds = 600 }
for i = 2, #arg, 2 do options[arg[i]:sub(3)] = assert(options[arg[i]:sub(3)] and arg[i + 1], usage) end
local mode <const>, seconds <const> = assert(modes[arg[1]], usage), assert(tonumber(options.seconds), usage)
local file <const> = options.file ~= "" and assert(io.open(options.file, mode))
local group <const> = assert(mcast.address(options.group, options.port))
local sap <const> = assert(mcast.address(options.sap, 9875))
local session, source, candidate -- a candidate is a packet that begins a source, if the next number follows it (A.1)

local function parse(msg) -- RFC 3550, 5.1; nil where it is malformed, or no PCMU
  local bits, kind, sequence, timestamp, ssrc, at = wire.unpack(">BBI2I4I4", msg.data)
  if not at or bits >> 6 ~= 2 or kind & 127 ~= PCMU then return end
  at = at + 4 * (bits & 15)
  at = at + 4 * (bits & 16 == 0 and 0 or 1 + (wire.unpack(">I2", msg.data, at + 2) or #msg.data)) -- an extension (5.3.1)
  local payload <const> = msg.data:sub(at, bits & 32 == 0 and -1 or -1 - msg.data:byte(-1))
  return payload ~= "" and { sequence = sequence, timestamp = timestamp, ssrc = ssrc, payload = payload, time = msg.time }
end

-- Writes packets up to a number, without those that are missing, and those that follow without a gap.
local function play(src, till)
  while src.next <= till or src.buffer[src.next] do
    assert(file:write(src.buffer[src.next] or ""))
    src.buffer[src.next], src.next = nil, src.next + 1
  end
end

local function finish(src) -- lost packets are those of A.3, but a duplicate does not make up for one
  play(src, src.max)
  print(("source %08x: %d to %d, %d written, %d lost, %d late, %d reordered, %d duplicate, jitter %.3f ms, max %.3f ms"):format(
    src.ssrc, src.base, src.max, src.count - src.late - src.duplicate, src.max - src.base + 1 - src.count + src.duplicate,
    src.late, src.reordered, src.duplicate, src.sum / (src.count - 1), src.most))
end

local function accept(src, packet) -- counts and buffers it; false where it is none of this source (A.1)
  local delta <const> = (packet.sequence - src.max + MAX_MISORDER) % RTP_SEQ_MOD - MAX_MISORDER
  local n <const>, last <const> = src.max + delta, src.last -- the number, extended by cycles
  if packet.ssrc ~= src.ssrc or delta >= MAX_DROPOUT then return false end
  local longer <const> = ((packet.time - last.time) * RATE - packet.timestamp + last.timestamp + 2^31) % 2^32 - 2^31
  src.jitter = src.jitter + (math.abs(longer) * 1000 / RATE - src.jitter) / 16 -- A.8, in milliseconds
  src.sum, src.most, src.count, src.last = src.sum + src.jitter, math.max(src.most, src.jitter), src.count + 1, packet
  local kind <const> = src.seen[n % 128] == n and "duplicate" or n < src.next and "late" or delta < 0 and "reordered" or "new"
  mcast.note("packet", kind)
  src[kind], src.seen[n % 128], src.base, src.max = src[kind] + 1, n, math.min(src.base, n), math.max(src.max, n)
  src.buffer[n] = src.buffer[n] or n >= src.next and packet.payload or nil
  return loop:after(n == src.next and 0 or WAIT, function() play(src, n) end)
end

local function hear(msg)
  local packet <const>, first <const> = parse(msg), candidate
  if not packet or source and accept(source, packet) then return end
  candidate = packet
  if not first or packet.ssrc ~= first.ssrc or packet.sequence ~= (first.sequence + 1) % RTP_SEQ_MOD
    or source and packet.ssrc ~= source.ssrc and packet.time - source.last.time < SILENCE then return end
  if source then finish(source) end
  source = { ssrc = first.ssrc, base = first.sequence, max = first.sequence, next = first.sequence - MAX_MISORDER, last = first,
    buffer = {}, seen = {}, new = 0, reordered = 0, late = 0, duplicate = 0, jitter = 0, sum = 0, most = 0, count = 0 }
  print(("source %08x begins with %d"):format(packet.ssrc, first.sequence))
  return accept(source, first) and accept(source, packet)
end

local function join(where, action)
  local sock = assert(mcast.socket { family = where.family, port = where.port, interface = options.interface, metadata = true })
  loop:receive(sock, assert(sock:join(where)) and action)
end

-- Reads an announcement (RFC 2974, 6) with its SDP. Nothing in it is trusted: one group is joined, until that session ends.
local function discover(msg)
  local bits <const>, words <const> = wire.unpack(">BB", msg.data)
  if not words or bits & 0xe3 ~= 0x20 then return end -- version 1, neither encrypted nor compressed
  local id <const>, deleted <const> = msg.data:sub(3, bits & 16 == 0 and 8 or 20), bits & DELETION ~= 0 -- hash and source
  local sdp <const> = msg.data:sub(#id + 4 * words + 3)
  local name <const> = (sdp:match "\ns=([^\r\n]*)" or ""):gsub("[^ -~]", ".")
  local ok <const>, address <const> = pcall(mcast.address, sdp:match "\nc=IN IP[46] ([%x.:]+)",
    tonumber(sdp:match "\nm=audio (%d+) RTP/AVP 0%s")) -- it raises where one is missing, or the port too large
  if not ok or not address or not address.multicast or address.port == 0 then return end
  print(("session %q at %s is %s by %s"):format(name, address, deleted and "deleted" or "announced", msg.from.host))
  session = session or file and not deleted and name:find(options.name, 1, true) and pcall(join, address, hear)
    and { address = address, host = msg.from.host }
  if session and session.host == msg.from.host and session.address == address and (not deleted or id == session.id) then
    if session.timer then session.timer:cancel() end
    session.id, session.timer = id, loop:after(deleted and WAIT or TIMEOUT, function() loop:stop() end)
  end
end

local function send()
  local out <close> = assert(mcast.socket { family = group.family, interface = options.interface, ttl = options.ttl })
  local six <const>, addresses <const>, ip <const> = group.family == "inet6", {}, group.family == "inet6" and "IP6 " or "IP4 "
  for _, one in ipairs(mcast.interfaces()) do addresses[one.name] = " " .. table.concat(one.addresses, " ") end
  local host <const> = addresses[assert(out:join(sap))]:match(six and " (%x*:[%x:]+)" or " ([%d.]+)") -- of the interface
  local sdp <const> = ("v=0\no=- %d 1 IN %s\ns=%s\nc=IN %s\nt=0 0\nm=audio %d RTP/AVP 0\n"):gsub("\n", "\r\n"):format(
    math.random(1 << 32), ip .. host, options.name, ip .. group.host .. (six and "" or "/" .. options.ttl), group.port)
  local rest <const> = string.pack(">I2", math.random(1, 0xffff)) .. wire.pton(host) .. "application/sdp\0" .. sdp
  local function announce(kind) assert(out:sendto(string.char(0x20 | (six and 16 or 0) | kind, 0) .. rest, sap)) end
  local began <const>, start <const> = mcast.now() + 1, math.random(0, 0xffffffff)
  local audio <const> = file and file:read "a" or (("\x0f"):rep(10) .. ("\x8f"):rep(10)):rep(seconds * RATE // 20)
  print(sdp)
  for at = 0, #audio - 1, SAMPLES do
    if at % (INTERVAL * RATE) == 0 then announce(0) end
    mcast.sleep(began + at / RATE - mcast.now())
    assert(out:sendto(string.pack(">BBI2I4I4", 0x80, at == 0 and 128 | PCMU or PCMU, options.sequence + at // SAMPLES & 0xffff,
      start + at & 0xffffffff, options.ssrc) .. audio:sub(at + 1, at + SAMPLES), group))
  end
  announce(DELETION)
end

io.stdout:setvbuf "line"
if arg[1] == "send" then return send() end
join(sap, discover)
loop:run(seconds)
if source then finish(source) end
