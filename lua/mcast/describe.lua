--- Words for datagrams: functions that return a line of text and a kind for the bytes of a protocol, or nil for other bytes.
--
-- Pictures (`mcast.timeline`, `Net:write_timeline`, `Net:write_svg`) have the option `describe`, a function of a datagram's
-- bytes. The text stands at its arrow, and each kind has a colour of its own with an entry in the legend. A function of one's
-- own has the same shape:
--
--     local function words(data)
--       if #data == 5 and data:byte() == 1 then
--         return "offer " .. string.unpack(">I4", data, 2), "offer"
--       end
--     end
--
-- Where it returns nil, or without the option, bytes that are text are worded by `text`, and have no kind. An empty text
-- leaves the arrow without words. The functions here raise on no bytes, and a text has at most 120 characters, in one line.
-- @module mcast.describe
local check <const> = require "mcast.check"
local line <const> = require "mcast.describe.line"

local describe = {}

local a_datagram <const> = check.text

local function worded(name, read)
  return function(data)
    local text <const>, kind <const> = read(check.argument(1, name, data, a_datagram))
    if text then
      return line(text), line(kind)
    end
  end
end

--- Words a DNS message (RFC 1035), such as one of multicast DNS (RFC 6762): its first question or record, and how many more
-- it has.
-- @function dns
-- @tparam string data
-- @treturn ?string such as `query PTR _ipp._tcp.local` or `response A printer.local 192.0.2.1 +2`; nil where the bytes are
-- not exactly one message
-- @treturn ?string kind: `"DNS query"`, `"DNS response"`, `"DNS notify"` or `"DNS update"`
-- @usage print(describe.dns(data))
describe.dns = worded("dns", require "mcast.describe.dns")

--- Words a packet of RTP (RFC 3550, payload types of RFC 3551), or a compound packet of RTCP on the same port (RFC 5761).
-- @function rtp
-- @tparam string data
-- @treturn ?string such as `RTP PCMU seq=17 time=2720, 160 bytes` or `RTCP sender report, source description`
-- @treturn ?string kind: `"RTCP"`, or the payload type, such as `"RTP PCMU"` or `"RTP 96"`
-- @usage print(describe.rtp(data))
describe.rtp = worded("rtp", require "mcast.describe.rtp")

--- Words a CoAP message (RFC 7252; groups: RFC 7390).
-- @function coap
-- @tparam string data
-- @treturn ?string such as `NON GET /sensors/light?x=1` or `ACK 2.05 Content, 12 bytes`
-- @treturn ?string kind: the method or response code, such as `"CoAP GET"`, or that of an empty message, such as
-- `"CoAP RST"`
-- @usage print(describe.coap(data))
describe.coap = worded("coap", require "mcast.describe.coap")

--- Words plain text in UTF-8 without control characters but tabs and ends of lines (a NUL byte may end it).
-- @function text
-- @tparam string data
-- @treturn ?string its words, with one space between them
-- @treturn ?string kind: the letters that it begins with, such as `"offer"` of `offer 17`; else `"text"`
-- @usage print(describe.text "offer 17") --> offer 17	offer
describe.text = worded("text", require "mcast.describe.text")

-- The place of a function, for messages.
local function place(f)
  local info <const> = type(f) == "function" and debug.getinfo(f, "S")
  return info and info.what ~= "C" and ("%s:%d"):format(info.short_src, info.linedefined) or "describe"
end

local function stringor(value, f, part)
  if value ~= nil and type(value) ~= "string" then
    check.fail("option 'describe' (%s) returned a bad %s (string or nil expected, got %s)", place(f), part, check.shown(value))
  end
  return value and line(value)
end

-- The functions that checked returned: they need no other check.
local known <const> = setmetatable({}, { __mode = "k" })

--- The function by which pictures and commands call a function `describe`: it falls back to `text`, cuts long texts, and
-- raises an error that names the function where it raises or returns anything but strings and nil.
-- @tparam[opt] function f
-- @treturn function of a datagram's bytes; it returns a text (empty: no words) and, of `f`, a kind or nil
-- @usage local words = describe.checked(describe.dns)
-- print(words "offer 17") --> offer 17	nil
function describe.checked(f)
  if known[f] then
    return f
  end
  local function words(data)
    local text, kind
    if f then
      local ok
      ok, text, kind = pcall(f, data)
      if not ok then
        check.fail("option 'describe' (%s) raised, for %d bytes: %s", place(f), #data, tostring(text))
      end
      text, kind = stringor(text, f, "text"), stringor(kind, f, "kind")
    end
    return text or describe.text(data) or "", kind
  end
  known[words] = true
  return words
end

return describe
