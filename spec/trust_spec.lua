-- The guarantees of SECURITY.md to a program that loads the module.
local mcast <const> = require "mcast"
local helper <const> = require "spec.support.helper"

-- Uses all of the module; its system calls lie between two marks in the trace.
local everything <const> = [[
  local mcast = require "mcast"
  io.stdout:setvbuf "no"
  io.write "the beginning\n"
  for _, family in ipairs { { "inet", "239.1.2.3", "::1", "127.0.0.1" }, { "inet6", "ff15::1:3", "127.0.0.1", "::1" } } do
    local sock = assert(mcast.socket { family = family[1], metadata = true, ttl = 0 })
    local port = sock:getsockname().port
    assert(sock:join(family[2]))
    assert(sock:block(family[2], family[4]))
    assert(sock:filter(family[2], "exclude", {}))
    assert(sock:join(family[2]) == nil and sock:join(family[3]) == nil and sock:join(family[4]) == nil)
    assert(not sock:join(family[2], { interface = "nowhere" }))
    assert(sock:groups()[1])
    assert(sock:setoption("interface", "lo") and sock:getoption "interface" == "lo")
    assert(sock:setoption("device", "lo") and sock:setoption("spin", 0.001) and sock:stats())
    assert(sock:sendto("x", family[2], port) and sock:recvmsg(5).data == "x")
    local list = {}
    for i = 1, 64 do list[i] = "same" end
    for _ = 1, 2 do
      assert(sock:sendmany(list, family[4], port) == 64)
      for data in sock:datagrams(0.01) do assert(data == "same") end
    end
    assert(not sock:sendto(("x"):rep(70000), family[4], port) and not sock:sendto("x", family[3], port))
    assert(not pcall(sock.recvfrom, sock, 0 / 0) and not mcast.socket { host = "10.99.0.1" })
    assert(select(3, mcast.poll({ sock }, 0.001)) == mcast.errno.ETIMEDOUT and not sock:recvfrom(0.001))
    assert(mcast.interfaces() and sock:leave(family[2]))
    mcast.sleep(0.001)
    mcast.note("role", "leader")
    sock:close()
    assert(not pcall(sock.recvfrom, sock))
  end
  io.write "the end\n"
]]

local function system_calls()
  local trace, script = helper.script "", helper.script(everything)
  assert.equal("the beginning\nthe end\n", helper.check(("strace -o %s %s %s"):format(trace, helper.lua, script)))
  local text = assert(io.open(trace)):read "a"
  local calls = assert(text:match "the beginning[^\n]*\n(.*\n)[^\n]*the end")
  assert.matches("setsockopt", calls)
  return calls
end

helper.network("the module in a program", function()
  local library <const> = assert(package.searchpath("mcast", package.cpath))

  it("makes no call for signals, output, programs or processes", function()
    for name in system_calls():gmatch "([%w_]+)%(" do
      for _, forbidden in ipairs { "sig", "kill", "timer", "alarm", "fork", "clone", "exec", "exit", "write", "prctl",
        "unlink", "chdir", "umask", "rlimit" } do
        local sanitizer = name == "sigaltstack" -- its own call, at each raise
        assert.is_true(sanitizer or not name:find(forbidden, 1, true), name)
      end
    end
  end)

  it("imports no function for signals, output, programs or processes", function()
    if (os.getenv "MCAST_COVERAGE" or "") ~= "" then
      pending "an instrumented build imports more than the module does"
      return
    end
    local imports = helper.check("nm -D --undefined-only " .. library)
    assert.matches("setsockopt", imports)
    for name in imports:gmatch "[Uw] ([^\n@]+)" do
      for _, forbidden in ipairs { "signal", "^sig", "kill$", "^raise", "alarm", "timer", "stderr", "stdout", "^printf",
        "^v?f?printf", "^put", "^fput", "^fwrite", "^perror", "syslog", "^v?warnx?$", "^errx?$", "^error$", "^abort", "^exit",
        "^_exit", "fork", "^exec", "^system$", "^popen", "spawn", "^dlopen", "^setenv", "^putenv", "gettimeofday", "^time$" } do
        assert.is_nil(name:find(forbidden), name)
      end
    end
  end)

  it("opens each descriptor with close-on-exec", function()
    local opened, closing = 0, {}
    for line in system_calls():gmatch "[^\n]+" do
      local name, result = line:match "^([%w_]+)%(.* = (%d+)"
      if name == "fcntl" then
        local fd = line:match "^fcntl%((%d+), F_SETFD, FD_CLOEXEC%)"
        closing[fd or ""] = nil
      elseif result and (line:match "^socket%(" or line:match "^open" or line:match "^dup" or line:match "^pipe"
        or line:match "^epoll_create" or line:match "^eventfd") then
        opened = opened + 1
        closing[result] = not line:find "CLOEXEC" and line or nil
      end
    end
    assert.is_true(opened > 10)
    assert.same({}, closing)
  end)

  it("leaves programs that are started their number of descriptors", function()
    local function seen()
      local pipe <close> = assert(io.popen "ls /proc/self/fd | wc -l")
      return pipe:read "n"
    end
    local before = seen()
    for _, family in ipairs(helper.families) do
      local sock = assert(mcast.socket { family = family.name })
      helper.defer(function() sock:close() end)
      assert(sock:join(family.group))
    end
    assert.equal(before, seen())
  end)
end)
