-- Datagrams that carry their number and the time of sending, as iperf 2 writes them (struct UDP_datagram of its
-- payloads.h): number, seconds, microseconds, and the upper half of the number, in 4 bytes each, big-endian. The number of
-- the datagram that ends a test is negative.
local numbered <const> = { HEADER = 16 }

local CLOSE <const> = 86400 -- seconds between the clocks of two hosts, at most, for a header to be recognised

-- The header of a datagram that is sent at a time, in seconds since 1970.
function numbered.pack(number, time)
  local seconds <const> = math.floor(time)
  return string.pack(">I4I4I4I4", number & 0xffffffff, seconds, math.floor((time - seconds) * 1e6), number >> 32)
end

-- Returns number and time of a datagram that was received at a time; nil where it has no such header: an arbitrary datagram
-- passes for one in less than 1 of 10^7 cases.
function numbered.unpack(data, received)
  if #data < numbered.HEADER then
    return nil
  end
  local low <const>, seconds <const>, microseconds <const>, high <const> = string.unpack(">I4I4I4I4", data)
  if microseconds >= 1000000 or math.abs(seconds - received) > CLOSE then
    return nil
  end
  local number <const> = high << 32 | low
  return high == 0 and low >= 1 << 31 and low - (1 << 32) or number, seconds + microseconds / 1e6
end

return numbered
