-- Delivers each message once: a receiver writes down its number before it acknowledges it.
-- usage: lua5.4 once.lua sender|receiver
local mcast <const> = require "mcast"

local group <const> = assert(mcast.address("239.1.2.3", 10000))
local sock <close> = assert(mcast.socket { port = group.port })
assert(sock:join(group))

local function send()
  for n = 1, math.huge do
    mcast.note("op", ("invoke %d enqueue q %d"):format(n, n))
    repeat
      assert(sock:sendto("message " .. n, group))
      local till <const> = mcast.now() + 0.02
      local answer
      repeat
        answer = sock:recvfrom(math.max(0, till - mcast.now()))
      until not answer or answer == "ack " .. n
    until answer
    mcast.note("op", ("ok %d enqueue q %d"):format(n, n))
    mcast.sleep(0.1)
  end
end

local function receive()
  local journal <close>, last = assert(io.open("journal", "a+")), 0
  for line in journal:lines "n" do last = line end
  for data in sock:datagrams() do
    local n <const> = math.tointeger(data:match "^message (%d+)$")
    if n and n > last then
      last = n
      assert(journal:write(n, "\n") and journal:flush()) -- planted: assert(journal:write(n, "\n"))
      mcast.note("op", ("invoke %d dequeue q"):format(n))
      mcast.note("op", ("ok %d dequeue q %d"):format(n, n))
    end
    if n then assert(sock:sendto("ack " .. n, group)) end
  end
end

if arg[1] == "sender" then send() else receive() end
