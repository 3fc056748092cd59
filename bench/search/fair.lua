-- A lock: a server gives it to the client that has asked for it first.
-- usage: lua5.4 fair.lua server, or fair.lua client number
local mcast <const> = require "mcast"

local group <const> = assert(mcast.address("239.1.2.3", 10000))
local sock <close> = assert(mcast.socket { port = group.port })
assert(sock:join(group))

local function say(...)
  assert(sock:sendto(table.concat({ ... }, " "), group))
end

local function serve()
  local asked, ended, holder = {}, {}, nil -- by client: the time at which it has asked, and its last use of the lock
  for data in sock:datagrams() do
    local word <const>, who, n = data:match "^(%l+) (%d+) (%d+)$"
    n = math.tointeger(n)
    local new <const> = who and n > (ended[who] or 0)
    if word == "ask" and new and who ~= holder then
      asked[who] = asked[who] or mcast.now() -- planted: asked[who] = mcast.now()
      say("queued", who, n)
    elseif word == "done" then
      if new then ended[who], asked[who], holder = n, nil, holder ~= who and holder or nil end
      say("free", who, n)
    end
    for client, time in pairs(holder and {} or asked) do
      if not holder or time < asked[holder] then holder = client end
    end
    if holder and (word == "ask" or word == "done") then
      asked[holder] = nil
      say("go", holder, (ended[holder] or 0) + 1)
    end
  end
end

-- Says a word for the n-th use until it hears the answer; hears others as well.
local function talk(word, me, n, answer, every)
  repeat
    say(word, me, n)
    local till <const> = mcast.now() + every
    local data
    repeat
      data = sock:recvfrom(math.max(0, till - mcast.now()))
      if word == "ask" and data == ("queued %d %d"):format(me, n) then mcast.note("lock", "waits") end
    until not data or data == ("%s %d %d"):format(answer, me, n)
  until data
end

local function use(me)
  for n = 1, math.huge do
    mcast.sleep(math.random() / 10)
    talk("ask", me, n, "go", 0.1)
    mcast.note("lock", "enters")
    mcast.sleep(0.01)
    mcast.note("lock", "leaves")
    talk("done", me, n, "free", 0.02)
  end
end

if arg[1] == "server" then serve() else use(math.tointeger(arg[2])) end
