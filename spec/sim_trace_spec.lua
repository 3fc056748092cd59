local sim <const> = require "mcast.sim"

-- The events of these kinds that a node causes by a function of its socket.
local function events(kinds, act)
  local net = sim.new { output = function() end }
  local node = net:node("node", function(script)
    local mcast <const> = require "mcast"
    local sock <close> = assert(mcast.socket { port = 10000 })
    script(sock, mcast)
  end, { act })
  net:run()
  assert(node.status == "ended", node.error)
  local list = {}
  for i = 1, #net.trace do
    if (" " .. kinds .. " "):find(" " .. net.trace[i].kind .. " ", 1, true) then
      list[#list + 1] = net.trace[i]
    end
  end
  return list
end

local function filters(list)
  local texts = {}
  for i, event in ipairs(list) do
    texts[i] = ("%s %s {%s}"):format(event.kind, event.mode, table.concat(event.sources, " "))
  end
  return texts
end

describe("trace", function()
  it("records a membership's filter after each change", function()
    local list = events("join leave", function(sock)
      assert(sock:join "239.1.2.3")
      assert(sock:block("239.1.2.3", "10.0.0.9"))
      assert(sock:unblock("239.1.2.3", "10.0.0.9"))
      assert(sock:leave "239.1.2.3")
      assert(sock:join("232.1.2.3", { source = "10.0.0.8" }))
      assert(sock:join("232.1.2.3", { source = "10.0.0.9" }))
      assert(sock:leave("232.1.2.3", { source = "10.0.0.8" }))
    end)
    assert.same({ "join exclude {}", "join exclude {10.0.0.9}", "join exclude {}", "leave include {}",
      "join include {10.0.0.8}", "join include {10.0.0.8 10.0.0.9}", "leave include {10.0.0.9}", "leave include {}" },
      filters(list))
  end)

  it("delivers what a later membership accepts of a dropped datagram", function()
    local list = events("drop deliver", function(_, mcast)
      local sock <close> = assert(mcast.socket { family = "inet6", port = 10001 })
      local other <close> = assert(mcast.socket { family = "inet6", interface = "lo" })
      assert(sock:join("ff15::1:3", { interface = "eth0" }))
      assert(other:join("ff15::1:3", { interface = "lo" }))
      for _ = 1, 2 do assert(other:sendto("hello", "ff15::1:3", 10001)) end
      assert(sock:join("ff15::1:3", { interface = "lo" }))
      assert(sock:recvfrom(0))
      assert(sock:leave("ff15::1:3", { interface = "lo" }))
      assert(not sock:recvfrom(0.1))
    end)
    local texts <const> = {}
    for i, event in ipairs(list) do texts[i] = event.kind .. (event.reason and " " .. event.reason or "") end
    assert.same({ "drop filter", "drop filter", "deliver" }, texts)
  end)

  it("records the address that a host sends reports from", function()
    local list = events("join", function(sock, mcast)
      assert(sock:join "239.1.2.3")
      local other <close> = assert(mcast.socket { family = "inet6" })
      assert(other:join "ff15::1:3")
    end)
    assert.same({ "10.0.0.1", "fe80::1" }, { list[1].address, list[2].address })
  end)

  it("records the descriptor of the socket", function()
    local own
    local list = events("join send deliver", function(sock)
      own = math.tointeger(tonumber(tostring(sock):match "%d+"))
      assert(sock:join "239.1.2.3")
      assert(sock:sendto("hello", "239.1.2.3", 10000))
      assert(sock:recvfrom(1))
    end)
    assert.equal(3, #list)
    for _, event in ipairs(list) do
      assert.equal(own, event.socket)
    end
  end)
end)
