-- mcast ping and pong, with each other and with ssmping, asmping and ssmpingd.
local helper <const> = require "spec.support.helper"
local mcast <const> = require "mcast"
local json <const> = helper.plain and require "dkjson"
local message <const> = require "mcast.cli.ping.message"

local function bytes(text)
  return (text:gsub("%s", ""):gsub("%x%x", function(byte) return string.char(tonumber(byte, 16)) end))
end

-- Queries of ssmping and asmping 0.9.1, from captures.
local ASM <const> = bytes "51 00010004 00000016 00020004 00000001 00030008 6b0a46f0000c17eb 00040005 01ef0102ea"
local SSM6 <const> = bytes [[51 00010004 00000018 00020004 00000001 00030008 6b0a46f2000c33a6
  00040011 02ff3e0000000000000000000043211234]]

-- A text with a few bytes changed, removed or added.
local function mutate(text, random)
  for _ = 1, random(1, 4) do
    local place <const>, choice <const> = random(1, #text + 1), random(3)
    text = text:sub(1, place - 1) .. (choice > 1 and string.char(random(0, 255)) or "")
      .. text:sub(choice == 3 and place or place + 1)
  end
  return text
end

helper.long("messages of ssmping", function()
  it("reads a query of asmping", function()
    assert.same({ query = true, client = "\0\0\0\22", sequence = 1, group = "239.1.2.234", named = true },
      message.parse(ASM))
  end)

  it("reads a query of ssmping for IPv6", function()
    assert.equal("ff3e::4321:1234", message.parse(SSM6).group)
  end)

  it("writes the bytes that asmping writes, and a request for the TTL", function()
    local time <const> = 0x6b0a46f0 + 0x000c17eb / 1e6 + 1e-7
    assert.equal(ASM .. bytes "00050002 0009", message.query("\0\0\0\22", 1, time, "239.1.2.234"))
  end)

  it("writes groups of IPv6", function()
    for _, group in ipairs { "ff3e::4321:1234", "ff02::1", "ff35:1:2:3:4:5:6:7", "ff0e::" } do
      assert.equal(group, message.parse(message.query("abcd", 1, 0, group)).group)
    end
  end)

  it("answers with the options of the query", function()
    assert.equal("A" .. ASM:sub(2), message.answer(ASM, 9))
  end)

  it("answers a request for the TTL with it", function()
    assert.equal("A" .. ASM:sub(2) .. bytes "00090001 07", message.answer(message.query("\0\0\0\22", 1,
      0x6b0a46f0 + 0x000c17eb / 1e6 + 1e-7, "239.1.2.234"), 7))
  end)

  it("reads any bytes, and never answers with more", function()
    math.randomseed(14)
    local query <const> = message.query("abcd", 1, 0, "239.1.2.234")
    for _ = 1, 5000 do
      local data <const> = mutate(query, math.random)
      message.parse(data)
      assert.is_true(#message.answer(data, 64) <= math.max(1, #data))
    end
  end)
end)

-- Starts mcast pong; returns its pipe and process id.
local function pong(words, enter)
  local pipe <const>, pid <const> = helper.start((enter or "") .. " bin/mcast pong " .. words)
  assert.matches("answers at port", pipe:read "l")
  return pipe, pid
end

local function lines(text)
  local list <const> = {}
  for line in text:gmatch "[^\n]+" do
    list[#list + 1] = assert(json.decode(line), text)
  end
  return list
end

-- Runs mcast ping --json; returns its summaries by host and way, its exit status, and all lines.
local function ping(words)
  local output <const>, status <const> = helper.run("bin/mcast ping --json --interval 0.05 " .. words)
  local objects <const>, summaries <const> = lines(output:gsub("mcast: [^\n]*\n", "")), {}
  for _, one in ipairs(objects) do
    if one.event == "summary" then
      summaries[one.host] = summaries[one.host] or {}
      summaries[one.host][one.by] = one
    end
  end
  return summaries, status, objects, output
end

local function answered(summary, count)
  for _, way in ipairs { "unicast", "multicast" } do
    local one <const> = assert(summary)[way]
    assert.same({ count, 0, 0, 0 }, { one.received, one.lost, one.duplicates, one.hops }, way)
    assert.is_true(0 < one.least and one.least <= one.median and one.median <= one.p99 and one.p99 <= one.most)
  end
end

-- The body of a test that needs a program.
local function with(program, body)
  return helper.has(program) and body or function() pending("needs " .. program) end
end

local function ssmpingd()
  helper.start "ssmpingd"
  helper.check "for i in $(seq 100); do grep -q ':10E1 ' /proc/net/udp* && exit; sleep 0.05; done; exit 1"
end

local function on_lo(name, block)
  helper.long(name, function() helper.network("on lo", block) end)
end

on_lo("mcast ping with ssmpingd", function()
  local cases <const> = {
    SSM = { "127.0.0.1", "127.0.0.1@232.43.211.234%lo" },
    ASM = { "127.0.0.1", "239.1.2.234%lo 127.0.0.1" },
    ["SSM of IPv6"] = { "::1", "::1@ff3e::4321:1234%lo" },
    ["ASM of IPv6"] = { "::1", "ff15::4321:1234%lo ::1" },
  }
  for name, case in pairs(cases) do
    it("measures " .. name, with("ssmpingd", function()
      ssmpingd()
      local summaries <const>, status <const> = ping(case[2] .. " --count 3")
      assert.equal(0, status)
      answered(summaries[case[1]], 3)
    end))
  end

  it("names the groups that ssmpingd answers to", with("ssmpingd", function()
    ssmpingd()
    local summaries <const>, status <const>, _, output <const> = ping "127.0.0.1@232.1.2.3%lo --count 2"
    assert.equal(1, status)
    assert.equal(2, summaries["127.0.0.1"].unicast.received)
    assert.matches("no answer by multicast to 232.1.2.3 %(ssmpingd .* end in .234", output)
  end))
end)

on_lo("mcast pong with ssmping", function()
  for name, command in pairs {
    ssmping = "ssmping -4 -I lo -c 1 127.0.0.1",
    ["ssmping by IPv6"] = "ssmping -6 -I lo -c 1 ::1",
    asmping = "asmping -4 -I lo -c 1 239.1.2.234 127.0.0.1",
    ["asmping by IPv6"] = "asmping -6 -I lo -c 1 ff15::4321:1234 ::1",
  } do
    it("answers " .. name, with("ssmping", function()
      pong ""
      local output <const> = helper.check(command)
      assert.matches("unicast from [%d.:]+1, seq=1 dist=0 time=", output)
      assert.matches("multicast from [%d.:]+1, seq=1 dist=0 time=", output)
      assert.matches("multicast:\n +1 packets received, 0%% packet loss", output)
    end))
  end
end)

-- A pong of a script that answers each query in its own way: `answer(sock, query, from, group)`.
local function server(body)
  return helper.start(helper.lua .. " " .. helper.script(([[
    local mcast <const> = require "mcast"
    local message <const> = require "mcast.cli.ping.message"
    local sock <const> = assert(mcast.socket { port = 4321, interface = "lo", ttl = 64 })
    print "ready"
    io.stdout:flush()
    for query, from in sock:datagrams(10) do
      local asked <const> = message.parse(query)
      local function multicast(text) assert(sock:sendto(text, asked.group, from.port)) end
      local function unicast(text) assert(sock:sendto(text, from)) end
      %s
    end
  ]]):format(body)))
end

on_lo("mcast ping with mcast pong", function()
  for _, group in ipairs { "239.1.2.3", "ff15::99", "ff02::99" } do
    it("finds the members of " .. group, function()
      pong(group .. "%lo")
      local summaries <const>, status <const> = ping(group .. "%lo --count 3")
      assert.equal(0, status)
      answered(select(2, next(summaries)), 3)
    end)
  end

  it("has figures for each host", function()
    local host <const> = helper.host()
    pong(("239.1.2.3%%%s"):format(host.near))
    pong(("239.1.2.3%%%s"):format(host.far), host.enter)
    local summaries <const>, status <const> = ping(("239.1.2.3%%%s --count 3"):format(host.near))
    assert.equal(0, status)
    answered(summaries[("10.9.%d.1"):format(host.number)], 3)
    answered(summaries[("10.9.%d.2"):format(host.number)], 3)
  end)

  it("counts hops from the TTL that the answer names", function()
    assert(helper.has "nft", "nft is missing")
    helper.check [[nft 'add table ip t; add chain ip t o { type filter hook output priority 0; };
      add rule ip t o ip daddr 239.1.2.3 udp sport 4321 ip ttl set 6']]
    helper.defer(function() helper.run "nft delete table ip t" end)
    pong "239.1.2.3%lo --ttl 9"
    assert.equal(3, ping "239.1.2.3%lo 127.0.0.1 --count 1"["127.0.0.1"].multicast.hops)
  end)

  it("counts the loss since the first answer", function()
    helper.check [[nft 'add table ip t; add chain ip t o { type filter hook output priority 0; };
      add rule ip t o ip daddr 239.1.2.3 udp sport 4321 numgen inc mod 4 == 0 drop']]
    helper.defer(function() helper.run "nft delete table ip t" end)
    pong "239.1.2.3%lo"
    local summaries <const>, status <const>, _, output <const> =
      ping "239.1.2.3%lo 127.0.0.1 --count 8 --max-loss 14" -- numbers 1 and 5 are dropped
    local one <const> = summaries["127.0.0.1"].multicast
    assert.same({ 6, 1, 2 }, { one.received, one.lost, one.since })
    assert.near(100 / 7, one.loss, 1e-9)
    assert.equal(1, status)
    assert.matches("127.0.0.1 lost 14.3 %% by multicast %(at most 14 %% expected%)", output)
  end)

  it("accepts a loss up to --max-loss", function()
    server "if asked.sequence ~= 2 then unicast('A' .. query:sub(2)) end multicast('A' .. query:sub(2))":read "l"
    local summaries <const>, status <const> = ping "239.1.2.3%lo 127.0.0.1 --count 4 --max-loss 25"
    assert.equal(25, summaries["127.0.0.1"].unicast.loss)
    assert.equal(0, status)
  end)

  it("counts duplicates apart", function()
    server "for _ = 1, 3 do multicast('A' .. query:sub(2)) end unicast('A' .. query:sub(2))":read "l"
    local one <const> = ping "239.1.2.3%lo --count 2 127.0.0.1"["127.0.0.1"].multicast
    assert.equal(2, one.received)
    assert.is_true(one.duplicates >= 2)
  end)

  it("ignores answers to nothing that it asked", function()
    server [[
      local answer <const> = "A" .. query:sub(2)
      for i = 1, 20 do -- so few that two queries' answers fit into the receive buffer
        unicast(answer:sub(1, 5) .. string.char(answer:byte(6) ~ i) .. answer:sub(7)) -- another client
        unicast(answer:sub(1, 13) .. string.pack(">I4", 99 + i) .. answer:sub(18)) -- a number to come
        unicast(answer:sub(1, 2 * i % 38)) -- cut off
        unicast(query)
      end
      unicast(answer)
      multicast(answer)
    ]]:read "l"
    local summaries <const>, status <const>, objects <const> = ping "239.1.2.3%lo --count 2 127.0.0.1"
    assert.equal(0, status)
    assert.equal(6, #objects)
    answered(summaries["127.0.0.1"], 2)
  end)

  it("prints the summary on Ctrl-C", function()
    pong "239.1.2.3%lo"
    local pipe <const>, pid <const> = helper.start "bin/mcast ping 239.1.2.3%lo --interval 0.05"
    repeat
      local line <const> = assert(pipe:read "l")
    until line:find "multicast from 127.0.0.1: number 3,"
    helper.check("kill -INT " .. pid)
    local rest <const> = pipe:read "a"
    assert.matches("\n239.1.2.3: %d+ queries\nHOST +BY +RECEIVED", rest)
    assert.matches("\n127.0.0.1 +multicast +%d+ +0 +0 %(0 %%%)", rest)
  end)

  it("ends with 1 where nobody answers", function()
    local _ <const>, status <const>, _, output <const> = ping "239.1.2.3%lo --count 1"
    assert.equal(1, status)
    assert.matches("no answer by multicast to 239.1.2.3\n", output)
  end)

  it("ends with 2 for an SSM group without a source", function()
    local output <const>, status <const> = helper.run "bin/mcast ping 232.1.2.3"
    assert.equal(2, status)
    assert.matches("SOURCE@232.1.2.3 expected", output)
  end)
end)

-- Sends queries to mcast pong, then one more; returns the number and the greatest size of the answers to the former, by the
-- host that they were sent to.
local function ask(queries)
  local sock <close> = assert(mcast.socket { interface = "lo", metadata = true, rcvbuf = 1000000 })
  for _, group in ipairs { "239.1.2.3", "239.1.2.234", "224.0.0.234", "239.1.2.4", "232.43.211.234" } do
    assert(sock:join(group))
  end
  local counts <const>, last <const> = {}, "last"
  for i = 1, #queries + 1 do
    assert(sock:sendto(queries[i] or message.query(last, 1, 0, "239.1.2.234"), "127.0.0.1", 4321))
  end
  while true do
    local received <const> = assert(sock:recvmsg(5))
    if received.data:find(last, 1, true) then
      return counts
    end
    counts[received.group] = (counts[received.group] or 0) + 1
  end
end

on_lo("mcast pong", function()
  it("answers a query once each way, whatever its bytes", function()
    pong "239.1.2.3%lo --rate 1e6"
    math.randomseed(15)
    local queries <const> = {}
    for i = 1, 150 do
      queries[i] = mutate(message.query("abcd", i, 0, "239.1.2.3"), math.random)
    end
    local counts <const>, multicasts = ask(queries), 0
    for host, count in pairs(counts) do
      multicasts = multicasts + (host == "127.0.0.1" and 0 or count)
    end
    assert.is_true(100 < counts["127.0.0.1"] and counts["127.0.0.1"] <= 150)
    assert.is_true(50 < multicasts and multicasts <= counts["127.0.0.1"])
  end)

  it("answers by unicast alone where the group is not its own", function()
    pong "239.1.2.3%lo"
    assert.same({ ["127.0.0.1"] = 2 }, ask { message.query("abcd", 1, 0, "239.1.2.4"),
      message.query("abcd", 2, 0, "224.0.0.234") })
  end)

  it("answers to ssmpingd's group where a query names none", function()
    pong ""
    assert.same({ ["127.0.0.1"] = 1, ["232.43.211.234"] = 1 }, ask { "Q" })
  end)

  it("answers no answers", function()
    pong ""
    assert.same({}, ask { "A", "A" .. ASM:sub(2), "", "R" })
  end)

  it("answers no more than --rate a second", function()
    local pipe <const>, pid <const> = pong "--rate 5"
    local sock <close> = assert(mcast.socket())
    for i = 1, 40 do
      assert(sock:sendto(message.query("abcd", i, 0, "239.1.2.4"), "127.0.0.1", 4321))
    end
    local count = 0
    while sock:recvfrom(0.3) do
      count = count + 1
    end
    assert.is_true(count >= 5 and count <= 20, count) -- 5, and one more each 0.2 s that it runs
    helper.check("kill -INT " .. pid)
    assert.matches(("\nanswered %d queries; %d above the rate"):format(count, 40 - count), pipe:read "a")
  end)

  it("ends after --for seconds", function()
    assert.equal("answers at port 4321\nanswered 0 queries; 0 above the rate, 0 other datagrams, 0 failed answers\n",
      helper.check "bin/mcast pong --for 0.1")
  end)

  it("refuses a port that another one holds", function()
    pong ""
    local output <const>, status <const> = helper.run "bin/mcast pong"
    assert.equal(1, status)
    assert.matches("^mcast: .*4321: Address already in use", output)
  end)
end)
