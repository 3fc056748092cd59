-- Functions of all specs: their network, programs beside them, and the addresses of both
-- families.
require "spec.support.borrow"
local busted <const> = require "busted"
local luassert <const> = require "luassert"
local mcast <const> = require "mcast"

local helper = {}

helper.lua = os.getenv "MCAST_LUA" or "lua5.4"
helper.portable = (os.getenv "MCAST_PORTABLE" or "") ~= ""
helper.private = os.getenv "MCAST_NETWORK" == "private"
helper.no_network = "needs a network namespace, which this system does not allow"

-- Is this the plain build, without an instrument? Long tests that hardly touch the C run in
-- this build only.
local function isset(name)
  return (os.getenv(name) or "") ~= ""
end
helper.plain = not (helper.portable or isset "LD_PRELOAD" or isset "MCAST_MEMCHECK" or isset "MCAST_COVERAGE"
  or isset "MCAST_APICHECK")
helper.not_plain = "takes long, so only the plain build does it (make test)"

function helper.quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

-- The preloaded libraries of a sanitizer are for the module, not for programs, and the
-- variables of make are for this build, not for others.
local function clean(command)
  return "unset LD_PRELOAD MAKEFLAGS MFLAGS MAKELEVEL SANITIZE PORTABLE COVERAGE; " .. command
end

-- Runs a command, for a minute or so many seconds at most; returns its output, errors
-- included, and its exit status.
function helper.run(command, seconds)
  local pipe = assert(io.popen(("timeout %d sh -c %s 2>&1"):format(seconds or 60, helper.quote(clean(command)))))
  local output = pipe:read "a"
  local _, _, status = pipe:close()
  return output, status
end

function helper.check(command, seconds)
  local output, status = helper.run(command, seconds)
  assert(status == 0, command .. ": " .. output)
  return output
end

function helper.has(program)
  return select(2, helper.run("command -v " .. program)) == 0
end

-- Links a Lua that was made in this checkout into a copy of it.
function helper.lend(copy)
  helper.check(("mkdir -p %s/build && find $PWD/build -maxdepth 1 -name 'lua5*' -exec ln -s {} %s/build ';'")
    :format(copy, copy))
end

-- The reason why a text that requires other libraries, or runs an example with one, or peers, does not run here; nil where
-- they are there.
function helper.lacks(text)
  if ("\n" .. text):find "\nb?i?n?/?mcast %l" and not package.searchpath("argparse", package.path) then
    return "needs the rock argparse"
  end
  for _, name in ipairs { "ssmpingd", "iperf", "coap-server-notls", "lcm-logger", "ffmpeg" } do
    if text:find("\n" .. name .. " ") and not helper.has(name) then
      return "needs " .. name
    end
  end
  for _, name in ipairs { "socket", "cqueues", "luv", "copas" } do
    local older <const> = name == "copas" and ";/usr/share/lua/5.1/?.lua" or "" -- of Debian: see the cookbook
    local paths <const> = package.path .. ";" .. package.cpath .. older
    local used <const> = text:find(('require[ (]*"%s"'):format(name)) or text:find("5.4 examples/with-" .. name, 1, true)
    if used and not package.searchpath(name, paths) then
      return "needs the rock " .. name
    end
  end
end

-- Collects all garbage, and returns the number of open sockets of this process.
function helper.ownedsockets()
  collectgarbage()
  collectgarbage() -- twice: for objects with finalizers, too
  return helper.sockets()
end

-- The number of open sockets of this process. (The other end of a pipe may be closed
-- during the count.)
function helper.sockets()
  local pid = io.open "/proc/self/stat":read "n"
  return tonumber((helper.run(("ls -l /proc/%d/fd 2>/dev/null | grep -c socket:"):format(pid))))
end

-- Adds an address to an interface, or removes it, as Host:setaddress does.
function helper.setaddress(interface, address, present)
  local verb <const>, length <const> = present and "add" or "del", address:find ":" and 128 or 32
  helper.check(("ip addr %s %s/%d dev %s"):format(verb, address, length, interface))
end

-- Registers an action for the end of the test; the last one runs first.
local deferred = {}
function helper.defer(action)
  deferred[#deferred + 1] = action
end

function helper.settle()
  while #deferred > 0 do
    table.remove(deferred)()
  end
end

-- Writes a Lua script, which is removed after the test; returns its path.
function helper.script(text)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
  helper.defer(function() os.remove(path) end)
  return path
end

-- Starts a program in the background, which is ended after the test; returns a pipe with
-- its output, and its process id.
function helper.start(command)
  local pipe = assert(io.popen(clean(("echo $$; exec %s 2>&1"):format(command))))
  local pid = pipe:read "l"
  helper.defer(function()
    helper.run("kill " .. pid)
    pipe:close()
  end)
  return pipe, pid
end

-- describe, for tests that defer.
function helper.describe(name, block)
  busted.describe(name, function()
    busted.after_each(helper.settle)
    block()
  end)
end

-- The same, but pending where the system allows no private network.
function helper.network(name, block)
  helper.describe(name, helper.private and block or function()
    busted.pending(helper.no_network)
  end)
end

-- A network namespace without a name, which a process keeps until the test ends; returns
-- the process id, and the prefix of a command that runs there.
function helper.namespace()
  local _, pid = helper.start "unshare --net sleep 100"
  helper.check(([[
    until [ "$(readlink /proc/%s/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
  ]]):format(pid))
  return pid, ("nsenter --net=/proc/%s/ns/net "):format(pid)
end

-- Waits until IPv6 has a route to groups on an interface, which the kernel adds some time
-- after both ends of its wire are up. `enter` is the prefix of a host's commands.
function helper.carried(interface, enter)
  helper.check(("%s sh -c 'until ip -6 route show table local dev %s | grep -q ^multicast.ff00; do sleep 0.01; done'")
    :format(enter or "", interface))
end

-- Another host, at the far end of a wire: `host.near` and `host.far` are the interfaces,
-- `host.enter` is the prefix of a command that runs there, `host.plug` makes a deleted wire
-- again, with an index if one is passed.
local hosts = 0
function helper.host()
  hosts = hosts + 1
  local n <const> = hosts
  local pid <const>, enter <const> = helper.namespace()
  local host = { near = "near" .. n, far = "far" .. n, number = n, enter = enter }
  function host.plug(index)
    helper.check(([[
      ip link add %s %s type veth peer name %s netns %s
      ip addr add 10.9.%d.1/24 dev %s && ip -6 addr add fd09:%d::1/64 dev %s nodad && ip link set %s up
      %s sh -c 'ip link set lo up; ip addr add 10.9.%d.2/24 dev %s &&
        ip -6 addr add fd09:%d::2/64 dev %s nodad && ip link set %s up && ip route add 224.0.0.0/4 dev %s'
    ]]):format(host.near, index and "index " .. index or "", host.far, pid, n, host.near, n, host.near, host.near,
      host.enter, n, host.far, n, host.far, host.far, host.far))
    helper.carried(host.near)
    helper.carried(host.far, enter)
  end
  host.plug()
  helper.defer(function() helper.run("ip link del " .. host.near) end)
  return host
end

-- Compiles a C file of the specs as a shared object; returns its folder: one that stays, or
-- another one, which is removed after the test.
function helper.compile(path, stays)
  local folder = stays or helper.check("mktemp -d"):match "[^\n]+"
  helper.check("mkdir -p " .. folder)
  if not stays then
    helper.defer(function() helper.run("rm -r " .. folder) end)
  end
  local options = "-std=c11 -D_GNU_SOURCE -Wall -Werror -fPIC -shared -isystem $(.ci/prerequisites header)"
  helper.check(("${CC:-cc} %s -o %s/%s.so %s"):format(options, folder, path:match "([^/]+)%.c$", path))
  return folder
end

-- Asserts that a call raises for an argument or an option: not for a mistake of the test,
-- such as a method that does not exist.
function helper.raises(call, about)
  local ok, message = pcall(call)
  luassert.is_false(ok, about)
  luassert.is_truthy(message:find "bad argument #%d" or message:find "option '", message)
end

helper.families = {
  {
    name = "inet", any = "0.0.0.0", own = "127.0.0.1", scope = "224.0.0.0 to 239.255.255.255",
    group = "239.1.2.3", other = "239.1.2.4", ssm = "232.1.2.3",
    sources = { "10.8.0.1", "10.8.0.2", "10.8.0.3" }, limit = 65507, max_sources = 10,
    sysctl = "igmp_max_msf",
  },
  {
    name = "inet6", any = "::", own = "::1", scope = "ff00::/8",
    group = "ff15::1:3", other = "ff15::1:4", ssm = "ff35::1:3",
    sources = { "fd08::1", "fd08::2", "fd08::3" }, limit = 65527, max_sources = 64,
    sysctl = "mld_max_msf",
  },
}

local function only_where(possible, block)
  return possible and block or function() busted.pending(helper.not_plain) end
end

-- The same as describe, but only in the plain build under Lua 5.4.
function helper.long(name, block)
  helper.describe(name, only_where(helper.plain and _VERSION == "Lua 5.4", block))
end

-- The same, but under each Lua: for Lua files that hardly touch the C.
function helper.in_lua(name, block)
  helper.describe(name, only_where(helper.plain, block))
end

-- The same as describe, but not under valgrind, where searches, and a million of anything, take long.
function helper.search(name, block)
  helper.describe(name, only_where(not isset "MCAST_MEMCHECK", block))
end

-- The same as network, but only in the plain build.
function helper.once(name, block)
  helper.network(name, only_where(helper.plain, block))
end

-- A describe for each family, in which the block makes its tests.
function helper.each_family(block)
  for _, family in ipairs(helper.families) do
    helper.network("with " .. family.name, function() block(family) end)
  end
end

-- A function of either module, the real or the simulated one, that returns a receiver that
-- joined the family's group, a sender, and the address to send to.
function helper.pairing(module)
  return function(family, receiving, sending)
    local receiver = assert(module.socket(setmetatable(receiving or {}, nil)))
    local sender = assert(module.socket(sending or { family = family.name }))
    assert(receiver:join(family.group))
    helper.defer(function() receiver:close() sender:close() end)
    return receiver, sender, assert(module.address(family.group, receiver:getsockname().port))
  end
end

helper.pair = helper.pairing(mcast)

-- A function of either module that makes a socket of a family, which is closed with the test.
function helper.opening(module)
  return function(family)
    local sock = assert(module.socket { family = family.name })
    helper.defer(function() sock:close() end)
    return sock
  end
end

helper.open = helper.opening(mcast)

-- Asserts that a call returned nil, a message that matches and this errno.
function helper.fails(errno, pattern, ok, message, number)
  luassert.is_nil(ok)
  luassert.equal(errno, number, message)
  luassert.matches(pattern, message)
end

helper.time = os.time -- the clock of a datagram's time

-- A sanitizer's libraries are preloaded into an interpreter that loads the module: scripts
-- run by this wrapper.
local preload <const> = os.getenv "LD_PRELOAD" or ""
if preload ~= "" and busted.subscribe then
  local wrapper = os.tmpname()
  local file = assert(io.open(wrapper, "w"))
  file:write(("#!/bin/sh\nLD_PRELOAD='%s' exec %s \"$@\"\n"):format(preload, helper.lua))
  file:close()
  helper.check("chmod +x " .. wrapper)
  helper.lua = wrapper
  busted.subscribe({ "exit" }, function() os.remove(wrapper) return nil, true end)
end

if helper.private then
  for _, family in ipairs(helper.families) do
    for _, source in ipairs(family.sources) do
      helper.run(("ip addr add %s dev lo %s"):format(source, family.name == "inet6" and "nodad" or ""))
    end
  end
end

return helper
