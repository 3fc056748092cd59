-- examples/protocols/lcm.lua with liblcm, lcm-logger and lcm-logplayer, with mutants of their packets, and in the simulator.
local first_version <const> = require "spec.support.first"
local helper <const> = require "spec.support.helper"
local mcast <const> = require "mcast"
local mutants <const> = require "spec.support.mutants"
local peer <const> = require "spec.support.peer"
local sim <const> = require "mcast.sim"

local path <const> = "examples/protocols/lcm.lua"
local script <const> = ("%s %s "):format(helper.lua, path)
local url <const> = "udpm://239.255.76.67:7667?ttl=1&recv_buf_size=4194304"
local event <const> = ">I4i8i8I4I4" -- of a log: a mark, a number, microseconds, the lengths of channel and data, which follow
local mark <const> = 0xeda1da01

local read <const>, write <const>, folder <const> = peer.read, peer.write, peer.folder

-- Declares a test with a program on liblcm: it has a function that returns the program's command.
local function it_with_liblcm(name, test)
  peer.it(name, { "cc" }, function()
    if not io.open "/usr/include/lcm/lcm.h" then
      pending "needs liblcm-dev"
    end
    local program <const> = folder() .. "lcm_peer"
    helper.check(("cc -std=c11 -Wall -Werror -o %s spec/support/lcm_peer.c -llcm"):format(program))
    test(function(verb, words) return ("%s %s '%s' %s"):format(program, verb, url, words) end)
  end)
end

local function ours(verb, words)
  return ("%s %s %s --interface eth0"):format(script, verb, words)
end

-- A message of random bytes.
local function random_bytes(size)
  local file <close> = assert(io.open("/dev/urandom", "rb"))
  return size > 0 and file:read(size) or ""
end

-- Calls an action again and again, for 30 seconds at most, until a function returns true: a datagram may be lost.
local function insist(action, done)
  local deadline <const> = mcast.now() + 30
  repeat
    assert(mcast.now() < deadline, "it does not arrive")
    action()
    local waiting <const> = mcast.now() + 1
    local arrived
    repeat
      mcast.sleep(0.02)
      arrived = done()
    until arrived or mcast.now() > waiting
  until arrived
end

-- The messages that a subscriber has received: lists of {channel, data}.
local function received(subscriber)
  local list <const> = {}
  for channel in subscriber:output():gmatch "\n(%u+) %d+[^\n]*" do
    list[#list + 1] = { channel = channel, data = read(subscriber.prefix .. #list + 1) }
  end
  return list
end

local function subscribe(prefix, command, pattern)
  local files <const> = folder()
  local subscriber <const> = peer.start(prefix, command("subscribe", helper.quote(pattern) .. " " .. files))
  subscriber.prefix = files
  subscriber:expect "subscribed"
  return subscriber
end

-- Publishes messages one after the other, on POSE, and asserts that each arrives as it is.
local function carries(sizes, lan, publish, subscriber)
  local file <const> = folder() .. "message"
  for _, size in ipairs(sizes) do
    local data <const> = random_bytes(size)
    write(file, data)
    insist(function() helper.check(lan.here .. publish(file)) end, function()
      local list <const> = received(subscriber)
      local last <const> = list[#list]
      return last and #last.data == size and assert(last.channel == "POSE" and last.data == data, "other bytes")
    end)
  end
end

-- The datagrams that a command sends, seven of them.
local listen <const> = [[
  local mcast <const> = require "mcast"
  local sock <close> = assert(mcast.socket { port = 7667, interface = "eth0", rcvbuf = 1 << 22 })
  assert(sock:join "239.255.76.67")
  io.stdout:setvbuf "line"
  print "ready"
  for data in sock:datagrams() do
    print((data:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end)))
  end]]

local function datagrams(lan, command)
  local list
  insist(function()
    list = peer.start(lan.there, helper.lua .. " " .. helper.script(listen))
    list:expect "ready"
    helper.check(lan.here .. command)
  end, function() return select(2, list:output():gsub("\n", "")) == 8 end)
  local sent <const> = {}
  for line in list:output():gmatch "\n(%x+)" do
    sent[#sent + 1] = line:gsub("%x%x", function(byte) return string.char(tonumber(byte, 16)) end)
  end
  return sent
end

local function without_number(datagram)
  return datagram:sub(1, 4) .. datagram:sub(9)
end

-- The numbers of messages, counted from the first one's.
local function numbers(list)
  local counted <const> = {}
  for i, datagram in ipairs(list) do
    counted[i] = (">I4"):unpack(datagram, 5) - (">I4"):unpack(list[1], 5) & 0xffffffff
  end
  return counted
end

-- The cases of docs/lcm.md: a short message twice, a late first fragment, two messages by turns, and a fragment twice; "end".
local disorder <const> = [[
  local mcast <const> = require "mcast"
  local sock <close> = assert(mcast.socket { interface = "eth0" })
  local function send(datagram) assert(sock:sendto(datagram, "239.255.76.67", 7667)) end
  local function fragment(number, k)
    local bytes <const> = (k == 0 and "POSE\0" or "") .. ("abc"):sub(k + 1, k + 1):rep(10)
    send((">I4I4I4I4I2I2"):pack(0x4c433033, number, 30, 10 * k, k, 3) .. bytes)
  end
  for _ = 1, 2 do send "LC02\0\0\0\1POSE\0hi" end
  for _, k in ipairs { 1, 0, 2 } do fragment(2, k) end
  for k = 0, 2 do fragment(3, k) fragment(4, k) end
  for _, k in ipairs { 0, 1, 1 } do fragment(5, k) end
  send "LC02\0\0\0\6POSE\0end"]]

local function data_of(subscriber)
  local list <const> = received(subscriber)
  for i, message in ipairs(list) do
    list[i] = message.data
  end
  return list
end

-- The events of a log, as far as it is written; their numbers count from 0.
local function events(log)
  local list <const> = {}
  local at = 1
  while #log - at + 1 >= event:packsize() do
    local first <const>, number <const>, _, channel <const>, size <const>, after <const> = event:unpack(log, at)
    assert.same({ mark, #list }, { first, number })
    at = after + channel + size
    list[#list + 1] = { channel = log:sub(after, after + channel - 1), data = log:sub(after + channel, at - 1) }
  end
  return list
end

-- No byte, one, the longest short message, one more, two whole fragments, one more, and many fragments.
local sizes <const> = { 0, 1, 65494, 65495, 130969, 130970, 3000000 }

-- The memory, in MiB, that a subscriber keeps of senders; each sends so many fragments, some of each message.
local function kept(senders, count, bytes, some)
  local net <const> = sim.new { trace = false, output = function() end }
  net:node("subscriber", path, { "subscribe", ".*" })
  for sender = 1, senders do
    net:node("sender-" .. sender, function()
      local its <const> = require "mcast"
      local sock <close> = assert(its.socket())
      for i = 0, count - 1 do
        local header <const> = (">I4I4I4I4I2I2"):pack(0x4c433033, i // some, 1 << 24, 0, i % some, 300)
        assert(sock:sendto(header .. ("x"):rep(bytes), "239.255.76.67", 7667))
        its.sleep(0.001)
      end
    end)
  end
  collectgarbage()
  local before <const> = collectgarbage "count"
  net:run(count * 0.001 + 1)
  collectgarbage()
  return (collectgarbage "count" - before) / 1024, net
end

helper.long("lcm", function()
  it_with_liblcm("publishes to liblcm, byte for byte #slow", function(theirs)
    local lan <const> = peer.lan()
    carries(sizes, lan, function(file) return ours("publish", "POSE " .. file) end, subscribe(lan.there, theirs, "POSE"))
  end)

  it_with_liblcm("receives from liblcm, byte for byte #slow", function(theirs)
    local lan <const> = peer.lan()
    carries(sizes, lan, function(file) return theirs("publish", "POSE " .. file) end, subscribe(lan.there, ours, "POSE"))
  end)

  it_with_liblcm("sends the datagrams of liblcm, but for their numbers", function(theirs)
    local lan <const>, files <const> = peer.lan(), folder()
    local words = ""
    for i, size in ipairs { 0, 65494, 65495, 130970 } do
      write(files .. i, random_bytes(size))
      words = words .. "POSE " .. files .. i .. " "
    end
    local of_ours <const>, of_theirs <const> = datagrams(lan, ours("publish", words)), datagrams(lan, theirs("publish", words))
    for i = 1, 7 do
      assert.is_true(without_number(of_ours[i]) == without_number(of_theirs[i]), "datagram " .. i)
    end
    assert.same({ 0, 1, 2, 2, 3, 3, 3 }, numbers(of_theirs))
    assert.same({ 0, 1, 2, 2, 3, 3, 3 }, numbers(of_ours))
  end)

  it_with_liblcm("carries several channels of several programs at once #slow", function(theirs)
    local lan <const>, files <const> = peer.lan(), folder()
    local sent <const>, words <const> = {}, { "", "" }
    for i, channel in ipairs { "POSE", "SCAN", "MAP", "IMAGE" } do
      sent[channel] = random_bytes(50000 * i)
      write(files .. channel, sent[channel])
      words[i % 2 + 1] = words[i % 2 + 1] .. channel .. " " .. files .. channel .. " "
    end
    local both <const> = "sh -c " .. helper.quote(ours("publish", words[1]) .. " & " .. theirs("publish", words[2]) .. "; wait")
    for _, command in ipairs { ours, theirs } do
      local subscriber <const> = subscribe(lan.there, command, ".*[EPN]")
      insist(function() helper.check(lan.here .. both) end, function()
        local missing = 4
        local seen <const> = {}
        for _, message in ipairs(received(subscriber)) do
          assert.is_true(message.data == sent[message.channel], message.channel)
          missing = missing - (seen[message.channel] and 0 or 1)
          seen[message.channel] = true
        end
        return missing == 0
      end)
    end
  end)

  it_with_liblcm("subscribes to the channels that a pattern matches", function(theirs)
    local lan <const>, file <const> = peer.lan(), folder() .. "message"
    write(file, "here")
    local subscriber <const> = subscribe(lan.there, ours, "PO.*")
    insist(function()
      helper.check(lan.here .. theirs("publish", ("SCAN %s XPOSE %s POSE %s"):format(file, file, file)))
    end, function() return #received(subscriber) > 0 end)
    assert.same({ channel = "POSE", data = "here" }, received(subscriber)[1])
  end)

  peer.it("is logged by lcm-logger, byte for byte", { "lcm-logger" }, function()
    local lan <const>, files <const> = peer.lan(), folder()
    peer.start(lan.there, ("lcm-logger --quiet --flush-interval=20 '--lcm-url=%s' %slog"):format(url, files))
    helper.check(lan.there .. "sh -c 'until grep -q 434CFFEF /proc/net/igmp; do sleep 0.02; done'")
    for _, size in ipairs { 0, 65494, 200000 } do
      local data <const> = random_bytes(size)
      write(files .. "message", data)
      insist(function() helper.check(lan.here .. ours("publish", "POSE " .. files .. "message")) end, function()
        local list <const> = events(read(files .. "log"))
        return list[#list] and list[#list].channel == "POSE" and list[#list].data == data
      end)
    end
  end)

  peer.it("receives what lcm-logplayer plays, byte for byte", { "lcm-logplayer" }, function()
    local lan <const>, log <const> = peer.lan(), folder() .. "log"
    local function play(file)
      local data <const> = read(file)
      write(log, event:pack(mark, 0, 0, 4, #data) .. "POSE" .. data)
      return ("lcm-logplayer '--lcm-url=%s' %s"):format(url, log)
    end
    carries({ 0, 65494, 200000 }, lan, play, subscribe(lan.there, ours, "POSE"))
  end)

  it_with_liblcm("delivers whole messages once, where liblcm does not", function(theirs)
    local lan <const> = peer.lan()
    local strict <const>, lax <const> = subscribe(lan.there, ours, "POSE"), subscribe(lan.there, theirs, "POSE")
    helper.check(lan.here .. helper.lua .. " " .. helper.script(disorder))
    strict:expect "POSE 3 "
    lax:expect "POSE 3\n"
    local whole <const> = ("a"):rep(10) .. ("b"):rep(10) .. ("c"):rep(10)
    assert.same({ "hi", whole, whole, whole, "end" }, data_of(strict))
    local list <const> = data_of(lax)
    assert.same({ "hi", "hi", "end" }, { list[1], list[2], list[4] })
    assert.matches("^aaaaaaaaaabbbbbbbbbb..........$", list[3]) -- the rest was not sent: it is left from another message
  end)

  it("carries messages by IPv6, from standard input", function()
    local lines <const> = {}
    local net <const> = sim.new { output = function(node, line) lines[#lines + 1] = node.name .. " " .. line end }
    net:node("subscriber", path, { "subscribe", "POSE", "--group", "ff15::1" })
    net:node("publisher", path, { "publish", "POSE", "-", "--group", "ff15::1" }, { stdin = "here", start = 1 })
    net:run(2)
    assert.same({ "subscriber subscribed to POSE", "publisher POSE 4", "subscriber POSE 4 [fd00::2]:32768" }, lines)
  end)

  it("ignores mutants, and answers none #slow", function()
    local result <const> = mutants.run { script = path, args = { "subscribe", ".*" }, packets = mutants.packets "lcm",
      port = 7667, group = "239.255.76.67" }
    assert.equal(10000, result.sent)
    assert.equal(0, result.answered)
  end)

  it("keeps at most 16 MiB of a sender, 64 of all", function()
    assert.is_true(kept(1, 400, 60000, 100) < 17)
    assert.is_true(kept(8, 400, 60000, 100) < 65)
  end)

  it("remembers at most 1,000 messages", function()
    assert.is_true(kept(1, 20000, 1, 1) < 1)
  end)

  it("holds in the simulator for 1,000 seeds, and draws its picture #slow", function()
    local picture <const> = helper.script ""
    local output <const> = helper.check(("%s examples/simulator/lcm.lua 1000 %s"):format(helper.lua, picture), 300)
    assert.equal("0 of 1000 seeds failed\n", output)
    assert.is_true(read "examples/simulator/lcm.svg" == read(picture), "the committed picture differs")
  end)

  peer.it("fails without its mend, as the page shows", { "patch" }, function()
    local copy <const>, page <const> = first_version "lcm"
    local command <const>, shown <const> = page:match "\n%$ lua5.4 (examples/simulator[^\n]+)\n%.%.%.\n(.-)```"
    assert.equal(shown, helper.check(("cd %s && %s %s"):format(copy, helper.lua, command)):sub(-#shown))
  end)
end)
