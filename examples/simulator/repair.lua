-- One sender, five receivers, 30 % loss: a receiver requests a missing datagram, and the sender repeats it.
-- usage: lua5.4 repair.lua [seed], from examples/simulator; writes repair.html and repair.svg
local sim <const> = require "mcast.sim"

local function sender(last)
  local mcast <const> = require "mcast"
  local group = assert(mcast.address "239.1.2.3:10000")
  local sock <close> = assert(mcast.socket { port = 10001 })
  local repaired = {}
  for number = 1, last do
    assert(sock:sendto("data " .. number, group))
    for request in sock:datagrams(number < last and 0.02 or 0.06) do
      local wanted = request:match "^nack (%d+)$"
      if mcast.now() - (repaired[wanted] or -1) > 0.02 then -- else repeated just now
        repaired[wanted] = mcast.now()
        mcast.note("repair " .. wanted)
        assert(sock:sendto("data " .. wanted, group))
      end
    end
  end
end

local function receiver(last, host)
  local mcast <const> = require "mcast"
  local sock <close> = assert(mcast.socket { port = 10000 })
  assert(sock:join "239.1.2.3")
  local got, missing, requested = {}, 1, 0
  repeat
    local data = sock:recvfrom(0.04)
    local number = data and tonumber(data:match "^data (%d+)$")
    got[number or 0] = data
    while got[missing] do
      missing = missing + 1
    end
    if missing <= last and (not number or number > missing and requested < missing) then
      mcast.note("state", "a gap")
      assert(sock:sendto("nack " .. missing, host, 10001))
      requested = missing
    elseif requested < missing then
      mcast.note("state", missing > last and "complete" or "in order")
    end
  until missing > last
end

local net = sim.new { seed = math.tointeger(tonumber(arg[1] or 7)), loss = 0.3, delay = { 0.004, 0.008 } }
local host = net:node("sender", sender, { 4 }).host
for i = 1, 5 do
  net:node("receiver " .. i, receiver, { 4, host })
end
net:run(1)
local title = "30 % loss: receivers request missing datagrams (nack), the sender repeats them"
net:write_timeline("repair.html", { title = title })
net:write_svg("repair.svg", { title = title, width = 720, letters = 17, till = 0.14 })
