local mcast <const> = require "mcast"
local helper <const> = require "spec.support.helper"

helper.each_family(function(family)
  it("waits in sendto while the send buffer is full", function()
    local host = helper.host()
    helper.check(("tc qdisc add dev %s root tbf rate 4mbit burst 4kb limit 10mb"):format(host.near))
    local sender <close> = assert(mcast.socket { family = family.name, interface = host.near, sndbuf = 4096 })
    local start = mcast.now()
    for _ = 1, 60 do
      assert.equal(1000, sender:sendto(("x"):rep(1000), family.group, 10012))
    end
    assert.is_true(mcast.now() - start > 0.02) -- 60 kB at 4 Mbit/s take 0.12 s
    assert.equal(60, sender:stats().sent)
  end)
end)
