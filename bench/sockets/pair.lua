-- A function that returns a receiver, a sender, and the address to send to.
local mcast <const> = require "mcast"
local worker <const> = require "sockets.worker"

return function(options)
  options = options or {}
  options.rcvbuf = 4 << 20
  local receiver <const> = assert(mcast.socket(options))
  assert(receiver:join("239.1.2.3", { interface = "lo" }))
  local sender <const> = assert(mcast.socket())
  worker.shift()
  return receiver, sender, mcast.address("239.1.2.3", receiver:getsockname().port)
end
