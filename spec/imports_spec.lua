-- The simulator's core calls nothing of the system but a clock and the signal of a timer: each descriptor in it is a simulated
-- one. The processes of sweeps are a library of their own.
local helper <const> = require "spec.support.helper"

-- Accepts imports of Lua's functions and of those listed.
local function check(module, allowed)
  if os.getenv "LD_PRELOAD" or (os.getenv "MCAST_COVERAGE" or "") ~= "" then
    pending "an instrumented build imports more than its sources do"
    return
  end
  local refused, n = {}, 0
  local path <const> = assert(package.searchpath(module, package.cpath))
  for name in helper.check("nm -D --undefined-only " .. helper.quote(path)):gmatch " U ([^\n@]+)" do
    n = n + 1
    if not (name:find "^luaL?_" or allowed:find("%f[%S]" .. name .. "%f[%s]")) then
      refused[#refused + 1] = name
    end
  end
  assert.same({}, refused)
  assert.is_true(n > 20, n)
end

describe("the simulator's core", function()
  it("imports functions of memory, text and maths, and of the budget's ticks", function()
    local ticks <const> = "clock_gettime getitimer pthread_self setitimer sigaction sigemptyset sigismember sigprocmask"
    check("mcast.sim.core", [[ __errno_location __stack_chk_fail __tls_get_addr calloc floor fmax fmin free inet_ntop
      inet_pton log malloc memchr memcmp memcpy memmove memset qsort realloc snprintf sqrt strcmp strcspn strerror strlen
      strncmp strtoul ]] .. ticks .. " ")
  end)
end)

describe("the workers of sweeps", function()
  it("imports functions of processes, and the C library's version", function()
    check("mcast.sim.worker", [[ __errno_location __stack_chk_fail _exit close dup2 fcntl fflush fork getpid getppid
      gnu_get_libc_version kill open pipe poll prctl read setitimer sigaddset sigemptyset signal sigprocmask waitpid write ]])
  end)
end)
