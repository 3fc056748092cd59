-- Each system call and each allocation fails once: spec/failing/run.lua lists the
-- assertions of a run.
local mcast <const> = require "mcast"
local helper <const> = require "spec.support.helper"

local jobs <const> = {
  "spec/failing/monitor.lua",
  "spec/failing/renumber.lua",
  "spec/failing/whole.lua setsockopt bind connect getsockname getpeername recvmsg",
  "spec/failing/whole.lua getsockopt getsourcefilter setsourcefilter sendto sendmsg poll ppoll ioctl fcntl recvfrom",
  "spec/failing/whole.lua socket close if_nameindex if_indextoname getifaddrs open pread fopen fgets fclose malloc calloc "
    .. "realloc memory-rest",
  "spec/failing/whole.lua memory",
}

-- Functions that make no system call and allocate no memory, and the clock, which fails
-- only for clocks that the system does not support.
local harmless <const> = [[ clock_gettime inet_ntop inet_pton sscanf getpid snprintf strerror strtol strtoul strcmp strstr
  strchr strrchr sysconf memmove qsort bsearch strncmp strlen strcspn
  memchr memcmp memcpy memset __errno_location __stack_chk_fail ]]

local function elsewhere()
  if (os.getenv "LD_PRELOAD" or os.getenv "MCAST_MEMCHECK" or os.getenv "MCAST_APICHECK" or "") ~= "" then
    return "has sanitizers of its own: make test SLOW=1 runs it"
  elseif (os.getenv "MCAST_COVERAGE" or "") ~= "" then
    return "an instrumented build imports more than the module does: make test SLOW=1 runs it"
  elseif not helper.private then
    return "needs a network namespace, which this system does not allow"
  elseif helper.run ".ci/prerequisites library" == "" then
    return "needs Lua as a library"
  end
end

-- Asserts that the harness wraps each function that the module imports.
local function check_wrapped()
  local source = io.open "spec/failing/inject.c":read "a"
  local module = package.searchpath("mcast", package.cpath)
  for import in helper.check("nm -D --undefined-only " .. module):gmatch "[Uw] (%S+)" do
    local name <const> = import:gsub("@.*", ""):gsub("^__isoc%d+_", "")
    if not name:find "^lua" and not name:find "^_ITM" and not name:find "^__gmon" and not name:find "^__cxa" then
      local word = "%f[%w_]" .. name .. "%f[^%w_]"
      assert(harmless:find(word) or source:find(word), name)
    end
  end
end

helper.describe("failing system calls and allocations", function()
  local reason <const> = elsewhere()
  if reason then
    pending(reason)
    return
  end

  it("reports each failure by its operation, and leaks nothing #slow", function()
    check_wrapped()
    local built, status = helper.run("make failing PORTABLE=" .. (helper.portable and "1" or ""))
    assert(status == 0, built)
    local host = ("build/%s/failing-host spec/failing/run.lua "):format(helper.portable and "portable" or "native")
    local pipes = {}
    for i, job in ipairs(jobs) do
      pipes[i] = assert(io.popen("timeout 600 env -u MCAST_NETWORK spec/private-network " .. host .. job .. " 2>&1"))
    end
    for _, pipe in ipairs(pipes) do
      local output = pipe:read "a"
      assert(pipe:close() and output:match "\n0 wrong\n$", output)
    end
  end)
end)

helper.network("ttl 0", function()
  it("sends nothing where a failure hides the interface to use", function()
    local host = helper.host()
    for option, failure in pairs { device = "getsockopt:error=ENOMEM", interface = "recvfrom:error=ENOMEM" } do
      local script = helper.script(([[
        local sock = assert(require "mcast".socket { ttl = 0, %s = %q })
        print(sock:sendto("here", "239.1.2.3", 10017))
      ]]):format(option, host.near))
      local output = helper.check(("strace -qq -o %s.log -e trace=getsockopt,recvfrom,sendto -e inject=%s:when=1 %s %s"):format(
        script, failure, helper.lua, script))
      local sent = select(2, helper.run(("grep -q '\"here\"' %s.log"):format(script))) == 0
      os.remove(script .. ".log")
      assert.matches("^nil\tsendto 239.1.2.3:10017: .*\t" .. mcast.errno.ENOMEM, output)
      assert.is_false(sent)
    end
  end)
end)
