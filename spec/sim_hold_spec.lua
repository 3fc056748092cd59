-- Net:hold: copies that are held back, and let go in any order.
local sim <const> = require "mcast.sim"

local function quiet(options)
  options = options or {}
  options.output = options.output or function() end
  return sim.new(options)
end

-- Joins, and lists each datagram with its time.
local function hear(list, options)
  local mcast <const> = require "mcast"
  options = options or {}
  local sock <const> = assert(mcast.socket { port = 5000, family = options.family })
  if options.join ~= false then
    assert(sock:join(options.group or "239.1.2.3"))
  end
  for data in sock:datagrams() do
    list[#list + 1] = ("%s %.4f"):format(data, mcast.now())
  end
end

-- Sends 1, 2, 3 ... at the seconds 1, 2, 3 ...
local function send(count, to, options)
  local mcast <const> = require "mcast"
  local sock <const> = assert(mcast.socket(options or { ttl = 9 }))
  for i = 1, count do
    mcast.sleep(1)
    assert(sock:sendto(tostring(i), to or "239.1.2.3", 5000))
  end
end

-- A net in which a and b hear what s sends.
local function net_of_three(count, options)
  local net <const>, heard = quiet(options), { a = {}, b = {} }
  net:node("a", hear, { heard.a })
  net:node("b", hear, { heard.b })
  net:node("s", send, { count })
  return net, heard
end

local function to_a(packet)
  return packet.receiver == "a"
end

local function kinds(net, kind)
  local list = {}
  for _, event in ipairs(net.trace) do
    if event.kind == kind then
      list[#list + 1] = event
    end
  end
  return list
end

describe("a hold", function()
  it("holds the copies that its filter accepts", function()
    local net <const>, heard = net_of_three(2)
    local held <const> = net:hold(to_a)
    net:run()
    assert.same({ a = {}, b = { "1 1.0001", "2 2.0001" } }, heard)
    assert.equal(2, #held.copies)
    assert.equal("1", held.copies[1].data)
    assert.equal("s", held.copies[1].sender)
  end)

  it("lets all go in their order, at once", function()
    local net <const>, heard = net_of_three(3, { delay = { 0.1, 0.4 } })
    local held <const> = net:hold(to_a)
    net:at(5, function() assert.equal(3, held:release()) end)
    net:run()
    assert.same({ "1 5.0000", "2 5.0000", "3 5.0000" }, heard.a)
    assert.same({}, held.copies)
  end)

  it("lets the first ones go by a number", function()
    local net <const>, heard = net_of_three(3)
    local held <const> = net:hold(to_a)
    net:at(5, function() assert.equal(2, held:release(2)) end)
    net:at(6, function() assert.equal(1, held:release(9)) end)
    net:run()
    assert.same({ "1 5.0000", "2 5.0000", "3 6.0000" }, heard.a)
  end)

  it("lets a list go in its order", function()
    local net <const>, heard = net_of_three(3)
    local held <const> = net:hold(to_a)
    net:at(5, function() held:release { held.copies[3], held.copies[1] } end)
    net:run()
    assert.same({ "3 5.0000", "1 5.0000" }, heard.a)
    assert.equal("2", held.copies[1].data)
  end)

  it("lets each go within a loop over the copies", function()
    local net <const>, heard = net_of_three(3)
    local held <const> = net:hold(to_a)
    net:at(5, function()
      for _, copy in ipairs(held.copies) do
        held:release(copy)
      end
    end)
    net:run()
    assert.equal(3, #heard.a)
  end)

  it("holds copies after a release, too", function()
    local net <const>, heard = net_of_three(3)
    local held <const> = net:hold(to_a)
    net:at(1.5, function() held:release() end)
    net:run()
    assert.same({ "1 1.5000" }, heard.a)
    assert.equal(2, #held.copies)
  end)

  it("holds no more once it is removed", function()
    local net <const>, heard = net_of_three(3)
    local held <const> = net:hold(to_a)
    net:at(1.5, function() held:remove() held:remove() end)
    net:run()
    assert.same({ "1 1.5000", "2 2.0001", "3 3.0001" }, heard.a)
  end)

  it("refuses copies that are not held", function()
    local net <const> = net_of_three(2)
    local held <const> = net:hold(to_a)
    local other <const> = net:hold(function(packet) return packet.receiver == "b" end)
    net:run()
    local copy <const> = held.copies[1]
    assert.error_matches(function() held:release { other.copies[1] } end, "copy 1 is not held")
    assert.error_matches(function() held:release { copy, copy } end, "copy 2 is not held")
    assert.error_matches(function() held:release "all" end, "bad argument #1 to 'release'")
    assert.error_matches(function() held:release(-1) end, "bad argument #1 to 'release'")
    assert.equal(2, #held.copies)
    held:release(copy)
    assert.error_matches(function() held:release { copy } end, "copy 1 is not held")
  end)

  it("keeps its copies from loss, duplication and later rules", function()
    local net <const>, heard = net_of_three(3, { loss = 1, duplicate = 1 })
    local held <const> = net:hold(to_a)
    net:rule(function() return false end)
    net:at(5, function() held:release() end)
    net:run()
    assert.equal(3, #heard.a)
    assert.equal(0, #heard.b)
  end)

  it("leaves copies that an earlier rule decides on", function()
    local net <const>, heard = net_of_three(1)
    net:rule(function() return 0.5 end)
    local held <const> = net:hold(to_a)
    net:run()
    assert.same({ "1 1.5000" }, heard.a)
    assert.same({}, held.copies)
  end)

  it("raises where its filter raises", function()
    local net <const> = net_of_three(1)
    net:hold(function() error "no plan" end)
    assert.error_matches(function() net:run() end, "no plan")
    assert.error_matches(function() net:hold(5) end, "bad argument #1 to 'hold'")
  end)

  it("holds no copy that a partition drops", function()
    local net <const> = net_of_three(1)
    local held <const> = net:hold(to_a)
    net:partition("s", "a")
    net:run()
    assert.same({}, held.copies)
  end)

  it("drops a copy by a partition when it is let go", function()
    local net <const>, heard = net_of_three(2)
    local held <const> = net:hold(to_a)
    net:at(3, function() net:isolate "a" held:release(1) end)
    net:at(4, function() net:heal() held:release(1) end)
    net:run()
    assert.same({ "2 4.0000" }, heard.a)
    assert.equal("partition", kinds(net, "drop")[1].reason)
  end)

  it("ends in the end", function()
    local net <const>, heard = net_of_three(3)
    net:hold(to_a)
    net:eventually(function() return #heard.a == 3 end, "all arrive", { after = 2.5, within = 1 })
    net:run(4)
    assert.same({ "1 2.5000", "2 2.5000", "3 3.0001" }, heard.a)
  end)

  it("reaches a script that was started again", function()
    local net <const>, heard = net_of_three(1)
    local held <const> = net:hold(to_a)
    net:at(2, function() net.byname.a:restart() end)
    net:at(3, function() held:release() end)
    net:run()
    assert.same({ "1 3.0000" }, heard.a)
  end)

  it("counts its copies as events in flight", function()
    local net <const> = net_of_three(40, { in_flight = 30 })
    net:hold(to_a)
    assert.error_matches(function() net:run() end, "the bound 'in_flight' of sim.new is exceeded at 3%d")
  end)

  it("counts their bytes as payload", function()
    local net <const> = net_of_three(40, { trace = false, payload = 20 })
    net:hold(to_a)
    assert.error_matches(function() net:run() end, "the bound 'payload' of sim.new is exceeded")
  end)

  it("gives their bytes back", function()
    local net <const> = net_of_three(40, { trace = false, payload = 20 })
    local held <const> = net:hold(to_a)
    net:always(function() held:release() return true end)
    net:run()
  end)

  it("lets a net with held copies be collected", function()
    local net = net_of_three(5)
    local held = net:hold(to_a)
    net:run()
    local weak <const> = setmetatable({ net.core }, { __mode = "v" })
    net = nil
    collectgarbage()
    assert.equal(5, held:release())
    held = nil
    collectgarbage()
    collectgarbage()
    assert.is_nil(weak[1])
    assert.is_nil(net or held)
  end)
end)

describe("a hold across routers", function()
  -- near: s, a; far: b
  local function routed(family, link)
    local net <const>, heard = quiet { delay = 0.1 }, { a = {}, b = {} }
    net:router("gate", { "lan", net:lan "far" })
    local options <const> = { family = family, group = family == "inet6" and "ff15::7" or "239.1.2.3" }
    net:node("a", hear, { heard.a, options })
    net:node("b", hear, { heard.b, options }, { lans = { "far" } })
    net:node("s", send, { 2, options.group, { family = family, ttl = 3 } })
    if link then
      net:link("s", "a", { loss = 0 })
      net:link("s", "b", { loss = 0 })
    end
    return net, heard
  end

  for _, family in ipairs { "inet", "inet6" } do
    for _, link in ipairs { false, true } do
      local case <const> = (", %s%s"):format(family, link and ", with a link" or "")

      it("holds at the last receiver" .. case, function()
        local net <const>, heard = routed(family, link)
        local held <const> = net:hold(function(packet) return packet.receiver == "b" end)
        net:at(5, function() held:release { held.copies[2], held.copies[1] } end)
        net:run()
        assert.same({ "1 1.1000", "2 2.1000" }, heard.a)
        assert.same({ "2 5.0000", "1 5.0000" }, heard.b)
      end)

      it("holds before a router" .. case, function()
        local net <const>, heard = routed(family, link)
        local held <const> = net:hold(function(packet) return packet.receiver == "gate" end)
        net:at(5, function() held:release { held.copies[2], held.copies[1] } end)
        net:run()
        assert.same({ "1 1.1000", "2 2.1000" }, heard.a)
        assert.same({ "2 5.1000", "1 5.1000" }, heard.b)
      end)
    end
  end

  it("holds unicast", function()
    local net <const>, heard = quiet(), {}
    net:router("gate", { "lan", net:lan "far" })
    net:node("b", hear, { heard, { join = false } }, { lans = { "far" } })
    net:node("s", send, { 1, net.hosts.b.address })
    local held <const> = net:hold(function(packet) return packet.lan == "far" end)
    net:at(5, function() held:release() end)
    net:run()
    assert.same({ "1 5.0000" }, heard)
  end)
end)

describe("results of a hold", function()
  it("has events of the trace", function()
    local net <const> = net_of_three(1)
    local held <const> = net:hold(to_a)
    net:at(5, function() held:release() end)
    net:run()
    for kind, time in pairs { hold = 1, release = 5 } do
      local list <const> = kinds(net, kind)
      assert.equal(1, #list)
      local event <const> = list[1]
      assert.same({ time, "a", "a", "lan", "s", "1", 9, kinds(net, "send")[1].packet },
        { event.time, event.node, event.host, event.lan, event.sender, event.data, event.ttl, event.datagram })
    end
  end)

  it("counts copies that are held at the end", function()
    local net <const> = net_of_three(3)
    local held <const> = net:hold(to_a)
    net:at(5, function() held:release(1) end)
    net:run()
    local figures <const> = net:stats()
    assert.equal(2, figures.a["239.1.2.3"].held)
    assert.equal(0, figures.b["239.1.2.3"].held)
    assert.matches("\nheld at the end: 2 to 239.1.2.3 at a$", tostring(figures))
  end)

  it("says why a node has not received", function()
    local net <const> = net_of_three(2)
    local held <const> = net:hold(to_a)
    net:at(5, function() held:release(1) end)
    net:run()
    local sends <const> = kinds(net, "send")
    assert.matches("received datagram %d+ of s to 239.1.2.3:5000 at 1.000000 s at 5.000000 s.$", net:why(sends[1], "a"))
    assert.matches(": it is held since 2.000000 s.$", net:why(sends[2], "a"))
  end)

  it("says at which router it is held", function()
    local net <const> = quiet()
    net:router("gate", { "lan", net:lan "far" })
    net:node("b", hear, { {} }, { lans = { "far" } })
    net:node("s", send, { 1 })
    net:hold(function(packet) return packet.receiver == "gate" end)
    net:run()
    assert.matches(": on its way at gate, it is held since 1.000000 s.$", net:why(kinds(net, "send")[1], "b"))
  end)

  it("reports a hold that touched no copy", function()
    local net <const> = net_of_three(1)
    net:hold(function() end)
    net:run()
    assert.matches("^hold %(.*sim_hold_spec.lua:%d+%)$", net:stats().untouched[1])
  end)

  it("draws a mark for each", function()
    local net <const> = net_of_three(1)
    local held <const> = net:hold(to_a)
    net:at(5, function() held:release() end)
    net:run()
    local path <const> = os.tmpname()
    assert(net:write_svg(path))
    local file <close> = assert(io.open(path))
    local text <const> = file:read "a"
    os.remove(path)
    assert.matches('class="mark hold"', text)
    assert.matches('class="mark release"', text)
  end)

  it("is a fault that a story names", function()
    local function scenario(seed)
      local net <const>, heard = net_of_three(9, { seed = seed })
      net:hold(function(packet) return tonumber(packet.data) % 2 == 1 end)
      net:run()
      assert(#heard.a == 9 or heard.a[4] == "4 4.0001", "the third one is missing")
    end
    local story <const> = sim.shrink(scenario, 1)
    assert.same({ "held: s's 3rd datagram from port 32768 to 239.1.2.3:5000 at a" }, story.faults)
    assert.equal(10, story.before)
  end)
end)

describe("a rule", function()
  it("holds no copy by its results", function()
    local net <const>, heard = net_of_three(1)
    net:rule(function() return nil, function() end end)
    net:run()
    assert.equal(1, #heard.a)
    local third <const> = net_of_three(1)
    third:rule(function() return false, function() end end)
    third:run()
    assert.equal("rule", kinds(third, "drop")[1].reason)
    local other <const> = net_of_three(1)
    other:rule(function() return 0.1, function() end end)
    assert.error_matches(function() other:run() end, "rule returned 'function")
  end)
end)
