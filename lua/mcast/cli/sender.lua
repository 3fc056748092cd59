-- Sends to groups, for send and replay: the options of sockets, by their names, and waits by deadlines.
local mcast <const> = require "mcast"
local value <const> = require "mcast.cli.value"

local sender = {}

-- Options of mcast.socket with their help and the values that they accept.
local OPTIONS <const> = {
  { "interface", "Name, index or address; default: %s." },
  { "ttl", "Hops, 0 to 255; default: 1.", value.integer(0, 255) },
  { "loopback", "true or false: deliver to receivers on this host; default: true.", value.booleans },
  { "port", "The port to send from; default: any.", value.integer(0, 65535) },
  { "dscp", "0 to 63; default: 0.", value.integer(0, 63) },
  { "sndbuf", "Bytes of the send buffer.", value.integer(1, 0x7fffffff) },
  { "fragment", "true or false: cut datagrams larger than the MTU; default: true.", value.booleans },
}

-- Adds them to a parser; the interface is by route where no other default is named.
function sender.options(parser, interface)
  for _, row in ipairs(OPTIONS) do
    local option <const> = parser:option("--" .. row[1], (row[2]:gsub("%%s", interface or "by route")))
    if row[3] == value.booleans then
      option:choices { "true", "false" }
    end
    if row[3] then
      option:convert(row[3])
    end
  end
end

-- Opens a socket of a family with the options of the command line; nil and a message.
function sender.open(args, family, interface)
  local options <const> = { family = family }
  for _, row in ipairs(OPTIONS) do
    options[row[1]] = args[row[1]]
  end
  options.interface = interface or options.interface
  return mcast.socket(options)
end

-- Returns a function that waits until so many seconds after the first call. Being late once does not delay the next ones.
function sender.pace()
  local start
  return function(seconds)
    start = start or mcast.now() - seconds
    local left <const> = start + seconds - mcast.now()
    if left > 0 then
      mcast.sleep(left)
    end
  end
end

return sender
