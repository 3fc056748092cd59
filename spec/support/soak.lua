-- Keeps 100 sockets busy, as fast as the machine allows, and checks that each loss is
-- explained and nothing is left behind.
-- usage, from make soak: lua5.4 spec/support/soak.lua [minutes]
local mcast <const> = require "mcast"
local send <const> = require "spec.support.soak_sender"

local E <const> = mcast.errno
local lua <const> = os.getenv "MCAST_LUA" or "lua5.4"
local random <const> = math.random

local train <const> = send.train_length
local families <const> = {
  { name = "inet", group = "239.7.0.%d", other = "239.8.%d.%d", own = "127.0.0.1", source = "10.8.0.%d", limit = 65507,
    foreign = "ff15::1" },
  { name = "inet6", group = "ff15::7:%x", other = "ff15::8:%x:%x", own = "::1", source = "fd08::%x", limit = 65527,
    foreign = "239.1.2.3" },
}
local sizes <const> = { plain = { 0, 1, 64, 1200, 1473, 8192 }, train = { 1, 16, 64, 512, 1000 } }

local teams = {} -- ten sockets each, which share a port and a group
local counts = { sent = 0, joins = 0, leaves = 0, errors = 0, timeouts = 0, opened = 0, floods = 0 }
local ledger <const> = {
  plain = { due = 0, received = 0, drops = 0, missing = 0 },
  train = { due = 0, received = 0, drops = 0, missing = 0 },
}

local function pick(list)
  return list[random(#list)]
end

local function bump(name, n)
  counts[name] = counts[name] + (n or 1)
end

-- Asserts that a call failed with this errno.
local function fails(errno, ok, message, number)
  assert(ok == nil and number == errno, message)
  bump "errors"
end

-- Opens a member of a team; a narrow one has a small buffer. A member that receives trains
-- reads a queue first, so that each train that it loses counts as one.
local function open(team, narrow)
  local sock = assert(mcast.socket { family = team.family.name, port = team.port, metadata = random(4) == 1 })
  assert(sock:join(team.group))
  bump "opened"
  if team.kind == "train" then
    send.train(team.sender, 64, 1, team.family.own, team.port) -- the last one bound receives it
    for _ = 1, train do
      assert(sock:recvfrom(5))
    end
  end
  if narrow then
    assert(sock:setoption("rcvbuf", 4096))
  end
  return { sock = sock, due = 0, received = 0, stats = sock:stats() }
end

-- Receives until nothing is missing: the datagrams sent, less those that the kernel
-- reports as dropped.
local function settle(member, kind, size)
  local book = ledger[kind]
  local deadline = mcast.now() + (book.missing == 0 and 5 or 0)
  local extra = kind == "plain" and 1 or 0
  local stats, missing, drops
  repeat
    for data in member.sock:datagrams(0) do
      assert(#data - size <= extra, "a datagram of another size")
      member.received = member.received + 1
    end
    stats = member.sock:stats()
    drops = stats.dropped - member.stats.dropped
    missing = member.due - member.received - drops * (kind == "plain" and 1 or train)
  until missing == 0 or mcast.now() > deadline
  assert(stats.received - member.stats.received == member.received, "the counts of received datagrams differ")
  book.due = book.due + member.due
  book.received = book.received + member.received
  book.drops = book.drops + drops
  book.missing = book.missing + math.abs(missing)
  member.due, member.received, member.stats = 0, 0, stats
end

local function traffic(team, size, n)
  local sent = send[team.kind](team.sender, size, n, team.group, team.port)
  bump("sent", sent)
  for _, member in ipairs(team) do
    member.due = member.due + sent
  end
  for _, member in ipairs(team) do
    settle(member, team.kind, size)
  end
end

-- Receives the datagrams of another process while it sends.
local function hear(team, n)
  local family, kind, size = team.family, team.kind, 64
  local lone = { family = family, kind = kind, group = family.group:format(200), port = 7200, sender = team.sender }
  local member = open(lone)
  local pipe = assert(io.popen(("%s spec/support/soak_sender.lua %s %s %d %d %s %d"):format(lua, family.name, kind, size, n,
    lone.group, lone.port)))
  member.due = kind == "plain" and n or n * train
  local lost = 0
  repeat
    local data = member.sock:recvfrom(0.05)
    if data then
      member.received = member.received + 1
    else
      lost = (member.sock:stats().dropped - member.stats.dropped) * (kind == "plain" and 1 or train)
    end
  until member.received + lost >= member.due or (not data and pipe:read(0) == nil)
  settle(member, kind, size)
  local sent, counted = pipe:read("n", "n")
  assert(pipe:close() and sent == counted and sent == (kind == "plain" and n or n * train))
  bump("sent", sent)
  bump "floods"
  member.sock:close()
end

-- Joins and leaves, in all ways, groups without a sender.
local function churn(member, family)
  local sock = member.sock
  for _ = 1, 20 do
    local group, source = family.other:format(random(9), random(99)), family.source:format(random(200))
    if random(2) == 1 then
      assert(sock:join(group) == "lo")
      fails(E.EADDRINUSE, sock:join(group))
      assert(sock:block(group, source))
    else
      assert(sock:join(group, { source = source }) == "lo")
      assert(sock:filter(group, "exclude", { family.source:format(201), source }))
    end
    assert(#sock:groups() == 2)
    assert(sock:unblock(group, source))
    assert(sock:leave(group))
    fails(E.EADDRNOTAVAIL, sock:leave(group))
    bump "joins"
    bump "leaves"
  end
end

-- A timeout, and each error that a script can cause.
local function misuse(member, team)
  local sock, seconds, start = member.sock, random() / 2000, mcast.now()
  fails(E.ETIMEDOUT, sock:recvfrom(seconds))
  assert(mcast.now() - start >= seconds, "a timeout was early")
  bump "timeouts"
  fails(E.EMSGSIZE, sock:sendto(("x"):rep(team.family.limit + 1), team.group, team.port))
  fails(E.EAFNOSUPPORT, sock:sendto("x", team.family.foreign, team.port))
  fails(E.ENODEV, sock:join(team.group, { interface = "nowhere" }))
  fails(E.EINVAL, sock:join(team.family.own))
  fails(E.EADDRNOTAVAIL, mcast.socket { host = "10.99.0.1" })
  assert(not pcall(sock.setoption, sock, "tll", 1))
  assert(not pcall(sock.recvfrom, sock, 0 / 0))
  assert(#mcast.interfaces() == 1)
end

-- Replaces a member, which is closed or left to the collector.
local function replace(team, i)
  if random(2) == 1 then
    team[i].sock:close()
    assert(not pcall(team[i].sock.stats, team[i].sock))
  end
  team[i] = open(team, i <= 3)
end

-- A socket that is closed with datagrams queued.
local function abandon(family, sender)
  local sock <close> = assert(mcast.socket { family = family.name })
  assert(sock:join(family.group:format(201)))
  bump("sent", send.train(sender, 64, 5, family.group:format(201), sock:getsockname().port))
  bump "opened"
  if random(2) == 1 then
    assert(sock:recvfrom(5))
  end
end

local function everyone()
  local socks = {}
  for _, team in ipairs(teams) do
    for _, member in ipairs(team) do
      socks[#socks + 1] = member.sock
    end
  end
  return socks
end

local function round()
  for _, team in ipairs(teams) do
    local i = random(#team)
    traffic(team, pick(sizes[team.kind]), random(team.kind == "plain" and 400 or 60))
    churn(team[i], team.family)
    misuse(team[i], team)
    replace(team, i)
    abandon(team.family, team.sender)
  end
  fails(E.ETIMEDOUT, mcast.poll(everyone(), 1e-4))
  collectgarbage() -- so that garbage is not measured
end

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

local function lines(path)
  return select(2, read(path):gsub("\n", ""))
end

-- The memory of this process in KiB, its descriptors, and the memberships in the kernel's
-- lists.
local function holdings()
  collectgarbage()
  collectgarbage()
  local file = os.tmpname()
  os.execute(("ls /proc/%s/fd | wc -l >%s"):format(read "/proc/self/stat":match "%d+", file))
  local descriptors = tonumber(read(file))
  os.remove(file)
  return {
    rss = tonumber(read "/proc/self/status":match "VmRSS:%s+(%d+)"),
    lua = collectgarbage "count",
    descriptors = descriptors,
    memberships = lines "/proc/net/igmp" + lines "/proc/net/igmp6",
  }
end

local function report(minute)
  local h = holdings()
  print(("minute %.1f: %d sent, %d received, %d drops, %d joins, %d errors, RSS %d KiB, Lua %.0f KiB, %d descriptors")
    :format(minute, counts.sent, ledger.plain.received + ledger.train.received, ledger.plain.drops + ledger.train.drops,
      counts.joins, counts.errors, h.rss, h.lua, h.descriptors))
  io.stdout:flush()
  return h
end

local function begin()
  for i = 1, 10 do
    local family = families[i % 2 + 1]
    local team = { family = family, kind = i <= 5 and "plain" or "train", group = family.group:format(i), port = 7000 + i,
      sender = assert(mcast.socket { family = family.name }) }
    for n = 1, 10 do
      team[n] = open(team, n <= 3)
    end
    teams[i] = team
  end
end

local function finish()
  for _, team in ipairs(teams) do
    team.sender:close()
    for _, member in ipairs(team) do
      member.sock:close()
    end
  end
  teams = {}
end

-- Runs rounds until the time is over; returns the state once warm, and at the end.
local function work(minutes)
  local start, floods, warm = mcast.now(), 0, nil
  local minute, step, last = 0, math.min(1, minutes / 2), nil -- a short run is warm at half time
  repeat
    round()
    local now = (mcast.now() - start) / 60
    if now * 20 >= floods then -- every three seconds
      floods = floods + 1
      hear(teams[random(#teams)], 2000 * random(10))
    end
    if now >= minute + step then
      minute = minute + step
      last = report(minute)
      warm = warm or last
    end
  until minute >= minutes
  return warm, last
end

local failed = false
local function claim(ok, text, ...)
  print((ok and "ok      " or "not ok  ") .. text:format(...))
  failed = failed or not ok
end

local function soak(minutes)
  local first = holdings()
  begin()
  local warm, last = work(minutes)
  finish()
  local final, plain, trains = holdings(), ledger.plain, ledger.train
  local goal = 5e6 * minutes
  claim(counts.sent >= goal, "%d datagrams sent (%d asked for), each to one socket or to ten", counts.sent, goal)
  claim(plain.missing == 0 and plain.drops > 0 and plain.due == plain.received + plain.drops,
    "sent alone, to all: %d = %d received + %d dropped, as the kernel counts", plain.due, plain.received, plain.drops)
  claim(trains.missing == 0 and trains.drops > 0 and trains.due == trains.received + train * trains.drops,
    "sent in trains, to all: %d = %d received + %d trains of %d dropped", trains.due, trains.received, trains.drops, train)
  claim(math.abs(last.rss / warm.rss - 1) <= 0.01, "RSS %d KiB at first, %d KiB at last", warm.rss, last.rss)
  claim(math.abs(last.lua / warm.lua - 1) <= 0.01, "Lua %.0f KiB at first, %.0f KiB at last", warm.lua, last.lua)
  claim(last.descriptors == warm.descriptors and final.descriptors == first.descriptors,
    "%d descriptors at first, %d at last; %d before, %d after", warm.descriptors, last.descriptors, first.descriptors,
    final.descriptors)
  claim(final.memberships == first.memberships, "no membership is left in the kernel")
  claim(counts.joins == counts.leaves and counts.errors > 0,
    "%d joins, %d sockets opened, %d timeouts, none early, %d expected errors, %d floods by another process",
    counts.joins, counts.opened, counts.timeouts, counts.errors, counts.floods)
end

assert(os.getenv "MCAST_NETWORK" == "private", "this needs a network of its own")
soak(tonumber(arg[1] or 10))
os.exit(not failed)
