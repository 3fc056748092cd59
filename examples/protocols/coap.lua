-- Gets a resource from a server, or from all servers of a group, by CoAP (RFC 7252, 7390); or serves resources.
-- usage: lua5.4 coap.lua coap://HOST[:PORT]/PATH [--seconds S] | serve [--group G] [--leisure S], both with [--interface I]
local mcast <const> = require "mcast"
local loop <const> = require "mcast.loop".new()
local wire <const> = require "mcast.wire"

local PORT, ALL_COAP_NODES = 5683, { "224.0.1.187", "ff02::fd", "ff05::fd" } -- sections 12.6, 12.8
local CON, NON, ACK, RST, EMPTY, GET, URI_PATH, CONTENT_FORMAT = 0, 1, 2, 3, 0x00, 0x01, 11, 12 -- 3, 12.1.1, 12.2
local CONTENT, BAD_OPTION, NOT_FOUND, METHOD_NOT_ALLOWED, MAX_EXCHANGES = 0x45, 0x82, 0x84, 0x85, 1000 -- 12.1.2; ours
local UNDERSTOOD = { [3] = "Uri-Host", [7] = "Uri-Port", [11] = "Uri-Path", [15] = "Uri-Query" } -- critical options, 5.4.1
local ACK_TIMEOUT, ACK_RANDOM_FACTOR, MAX_RETRANSMIT, DEFAULT_LEISURE, LIFETIME = 2, 1.5, 4, 5, { [CON] = 247, [NON] = 145 }
local usage <const> = "usage: coap.lua URI [--seconds S] | serve [--group G] [--leisure S], both with [--interface I]"
local options = { interface = "", group = "", leisure = DEFAULT_LEISURE, seconds = DEFAULT_LEISURE + 1 }
for i = 2, #arg, 2 do
  local name, value = arg[i]:match "^%-%-(%l+)$", arg[i + 1]
  options[name] = assert(options[name] and (type(options[name]) == "string" and value or tonumber(value)), usage)
end

local function extended(data, value, at) -- a delta or length, and the place after it: 13 and 14 stand for more bytes (3.1)
  if value < 13 then return value, at end
  local more, after = wire.unpack(value == 13 and "B" or ">I2", data, at)
  return value < 15 and more and more + (value == 13 and 13 or 269) or nil, after or at
end
local function parse(data) -- nil where it is to be ignored: another version (3), or a format error
  local first, code, id = wire.unpack(">BBI2", data)
  if not id or first >> 6 ~= 1 then return nil end
  local malformed = first >> 4 & 3 == CON and { type = CON, code = EMPTY, id = id } or nil -- rejected as an empty CON is (4.2)
  local at, number = 5 + (first & 15), 0
  if at > 13 or at > #data + 1 or code == EMPTY and #data > 4 then return malformed end
  local message = { type = first >> 4 & 3, code = code, id = id, token = data:sub(5, at - 1), path = "" }
  while at <= #data and data:byte(at) ~= 0xff do
    local delta, after = extended(data, data:byte(at) >> 4, at + 1)
    local length, value = extended(data, data:byte(at) & 15, after)
    if not delta or not length or value + length > #data + 1 then return malformed end
    number, at = number + delta, value + length
    message.bad_option = message.bad_option or number & 1 == 1 and not UNDERSTOOD[number]
    if number == URI_PATH then message.path = message.path .. "/" .. data:sub(value, at - 1) end
  end
  message.payload = data:sub(at + 1)
  return at ~= #data and message or malformed -- a marker without a payload
end

local function option(delta, value)
  return string.char(delta << 4 | math.min(#value, 13)) .. (#value > 12 and string.char(#value - 13) or "") .. value
end
local function encode(type, code, id, token, rest)
  return string.pack(">BBI2", 1 << 6 | type << 4 | #token, code, id) .. token .. rest
end

local resources = {
  ["/uptime"] = function() return option(CONTENT_FORMAT, ""), ("%.6f s"):format(mcast.now()) end, -- text/plain
  ["/.well-known/core"] = function() return option(CONTENT_FORMAT, "\40"), "</uptime>" end, -- application/link-format
}
local exchanges, recent, count = {}, {}, 0 -- by source and message ID (4.5); the latest ones, since sources may be forged
local function answer(sock, msg)
  local request, group = parse(msg.data), mcast.address(msg.group, 0).multicast
  if not request or request.type > NON or group and request.type == CON then return end -- 8.1
  local confirmable, key, read = request.type == CON, msg.from .. " " .. request.id, resources[request.path]
  local function send(data) sock:sendto(data, msg.from, { source = not group and msg.group or nil }) end
  if request.code > 0x1f or request.code == EMPTY then return confirmable and send(encode(RST, EMPTY, request.id, "", "")) end
  if exchanges[key] then return confirmable and send(exchanges[key].answer) end -- a duplicate
  local code = request.bad_option and BAD_OPTION or request.code ~= GET and METHOD_NOT_ALLOWED or read and CONTENT or NOT_FOUND
  local rest = code == CONTENT and ("%s\xff%s"):format(read()) or ""
  local exchange = { key = key, answer = encode(confirmable and ACK or NON, code, request.id, request.token, rest) }
  local silent = code ~= CONTENT and (group or code == BAD_OPTION and not confirmable) -- 8.2, 5.4.1
  exchange.timer = loop:after(group and math.random() * options.leisure or 0, function()
    if silent then exchanges[key] = nil return end
    send(exchange.answer)
    silent = true
    return LIFETIME[request.type]
  end)
  count = count % MAX_EXCHANGES + 1
  if recent[count] then recent[count].timer:cancel() exchanges[recent[count].key] = nil end
  recent[count], exchanges[key] = exchange, exchange
end

local function serve()
  for _, text in ipairs(options.group == "" and ALL_COAP_NODES or { options.group }) do
    local family = text:find ":" and "inet6" or "inet"
    local sock = assert(mcast.socket { family = family, port = PORT, interface = options.interface, metadata = true })
    assert(sock:join(text))
    loop:receive(sock, function(msg) answer(sock, msg) end)
  end
  print("serves at port " .. PORT)
  loop:run()
end

local function get(uri)
  local authority, path = uri:match "^coap://([^/]+)(.*)$"
  local server = assert(mcast.address(authority or "") or mcast.address((authority or ""):gsub("[][]", "") .. "", PORT), usage)
  local group, began, seen, sent, acknowledged = server.multicast, mcast.now(), {}, 0, false
  local sock = assert(mcast.socket { family = server.family, interface = options.interface })
  local id, timeout = math.random(0, 0xffff), ACK_TIMEOUT * (1 + math.random() * (ACK_RANDOM_FACTOR - 1))
  local token, rest, delta = string.pack(">I4", math.random(0, 0xffffffff)), "", URI_PATH
  for segment in path:gmatch "[^/]+" do rest, delta = rest .. option(delta, assert(#segment < 256 and segment, usage)), 0 end
  loop:after(0, function() -- 4.2: CON again, after twice the time
    if sent > (group and 0 or MAX_RETRANSMIT) then return loop:stop() end
    if not acknowledged then assert(sock:sendto(encode(group and NON or CON, GET, id, token, rest), server)) end
    sent = sent + 1
    return group and options.seconds or timeout * 2 ^ (sent - 1)
  end)
  loop:receive(sock, function(data, from)
    local message = parse(data)
    if not message or not group and from ~= server or message.type > NON and (group or message.id ~= id) then return end
    local matches = message.code > 0x3f and message.token == token
    acknowledged = acknowledged or message.type == ACK -- an answer may come later: 5.2.2
    if message.type == CON then sock:sendto(encode(matches and ACK or RST, EMPTY, message.id, "", ""), from) end
    if matches and not seen[from] then
      seen[from] = true
      print(("%d.%02d from %s after %.3f s: %s"):format(message.code >> 5, message.code & 31, from, mcast.now() - began,
        message.payload:gsub("[^ -~]", ".")))
    end
    if not group and (matches or message.type == RST) then loop:stop() end
  end)
  loop:run()
  if not next(seen) then print "no answer" end
end

io.stdout:setvbuf "line" -- to be seen at once, also through a pipe
if arg[1] == "serve" then serve() else get(assert(arg[1], usage)) end
