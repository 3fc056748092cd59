-- The simulator's core calls nothing of the system: each descriptor in it is a simulated one. Only the workers of sweeps
-- are processes with a pipe.
local helper <const> = require "spec.support.helper"

-- Memory, text and maths.
local allowed <const> = [[ __errno_location __stack_chk_fail __tls_get_addr calloc free inet_ntop inet_pton log malloc memchr
  memcmp memcpy memmove memset qsort realloc snprintf sqrt strcmp strcspn strerror strlen strncmp strtoul
  _GLOBAL_OFFSET_TABLE_ ]]
local processes <const> = [[ _exit close dup2 fcntl fflush fork getpid getppid kill open poll pipe prctl read setitimer sigaddset
  sigemptyset signal sigprocmask waitpid write ]]

local function has(list, name)
  return list:find("%f[%S]" .. name .. "%f[%s]") ~= nil
end

describe("the simulator's core", function()
  it("imports functions of memory, text and maths only", function()
    if os.getenv "LD_PRELOAD" or (os.getenv "MCAST_COVERAGE" or "") ~= "" then
      pending "an instrumented build imports more than its sources do"
      return
    end
    local refused, n = {}, 0
    local core <const> = assert(package.searchpath("mcast.sim.core", package.cpath))
    local folder <const> = helper.quote(core:match "^(.*)mcast/sim/" .. "sim")
    local symbols <const> = helper.check(("nm -A --undefined-only %s/*.o %s/module/*.o"):format(folder, folder))
    for object, name in symbols:gmatch "([%w_]+)%.o: +U ([^\n@]+)" do
      n = n + 1
      local own <const> = name:find "^luaL?_" or name:find "^mcast_" or name:find "^sim_" or name:find "^sys_"
      if not (own or has(allowed, name) or object == "worker" and has(processes, name)) then
        refused[#refused + 1] = object .. ": " .. name
      end
    end
    assert.same({}, refused)
    assert.is_true(n > 50, n)
  end)
end)
