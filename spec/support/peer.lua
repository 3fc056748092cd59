-- Programs of others, beside scripts, on two hosts of one LAN. Each host is a network namespace with a /run of its own.
local busted <const> = require "busted"
local helper <const> = require "spec.support.helper"
local mcast <const> = require "mcast"

local peer = {}

-- The commands of a host: eth0 with its addresses, and a route for groups. Without the search for duplicates, where the system
-- allows it, an address of IPv6 is there at once, and not after two seconds.
local host <const> = [[
  echo 0 2>/dev/null >/proc/sys/net/ipv6/conf/eth0/accept_dad
  mount -t tmpfs none /run && ip link set lo up && ip link set eth0 up &&
  ip addr add 10.9.0.%d/24 dev eth0 && ip -6 addr add fd09::%d/64 dev eth0 nodad && ip route add 224.0.0.0/4 dev eth0]]

local function namespace()
  local output <const>, pid = helper.start "unshare --net --mount sh -c 'echo; exec sleep 300'"
  output:read "l"
  return pid, ("nsenter --net=/proc/%s/ns/net --mount=/proc/%s/ns/mnt --wd=. env PATH=$PATH:/usr/sbin:/sbin "):format(pid, pid)
end

-- Two hosts: `here` and `there` are prefixes of commands. 10.9.0.1 and fd09::1 are here, 10.9.0.2 and fd09::2 there.
function peer.lan()
  local lan, pids = {}, {}
  pids.here, lan.here = namespace()
  pids.there, lan.there = namespace()
  helper.check(("%s ip link add eth0 type veth peer name eth0 netns %s"):format(lan.here, pids.there))
  for number, side in ipairs { "here", "there" } do
    helper.check(lan[side] .. "sh -c " .. helper.quote(host:format(number, number)))
  end
  for _, side in ipairs { "here", "there" } do
    helper.carried("eth0", lan[side])
    helper.check(lan[side] .. "sh -c 'while ip -6 addr show dev eth0 | grep -q tentative; do sleep 0.05; done'")
  end
  return lan
end

local Program <const> = {}
Program.__index = Program

-- Starts a program at a host; it ends with the test.
function peer.start(prefix, command)
  local path <const> = helper.script ""
  local pipe <const> = assert(io.popen(("echo $$; exec %s stdbuf -oL %s >%s 2>&1"):format(prefix, command, path)))
  local program <const> = setmetatable({ pid = pipe:read "l", pipe = pipe, path = path, command = command }, Program)
  helper.defer(function() program:stop() end)
  return program
end

-- The lines that it has written.
function Program:output()
  return peer.read(self.path)
end

-- Waits until its output contains a pattern, for 20 seconds or so many; returns the captures, or the match.
function Program:expect(pattern, seconds)
  local deadline <const> = mcast.now() + (seconds or 20)
  repeat
    local output <const> = self:output()
    if output:find(pattern) then
      return output:match(pattern)
    end
    mcast.sleep(0.02)
  until mcast.now() > deadline
  error(("'%s' is not in the output of %s:\n%s"):format(pattern, self.command, self:output()))
end

-- Sends a signal, TERM or another one, waits for the end, and returns the exit status, or the number of the signal that
-- ended it.
function Program:stop(signal)
  if self.pipe then
    helper.run(("kill -%s %s"):format(signal or "TERM", self.pid))
    local pipe <const> = self.pipe
    self.pipe = nil
    return select(3, pipe:close())
  end
end

function peer.read(name)
  local file <close> = assert(io.open(name, "rb"))
  return file:read "a"
end

function peer.write(name, text)
  local file <close> = assert(io.open(name, "wb"))
  assert(file:write(text))
end

-- A folder, with a slash at its end, which is removed after the test.
function peer.folder()
  local name <const> = helper.check("mktemp -d"):match "[^\n]+" .. "/"
  helper.defer(function() helper.run("rm -r " .. name) end)
  return name
end

-- The reason why a test is pending where one of these programs is missing: nil where all are there.
function peer.lacks(...)
  for _, program in ipairs { ... } do
    if not helper.has(program) and select(2, helper.run("test -x /usr/sbin/" .. program)) ~= 0 then
      return "needs " .. program
    end
  end
end

-- Declares a test that needs these programs, named by words.
function peer.it(name, programs, test)
  local reason <const> = peer.lacks(table.unpack(programs))
  busted.it(name, reason and function() busted.pending(reason) end or test)
end

return peer
