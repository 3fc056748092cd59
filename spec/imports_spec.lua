-- The simulator's core calls nothing of the system: each descriptor in it is a simulated one.
local helper <const> = require "spec.support.helper"

-- Memory, text and maths.
local allowed <const> = [[ __errno_location __stack_chk_fail __tls_get_addr calloc free inet_ntop inet_pton log malloc memchr
  memcmp memcpy memmove memset qsort realloc snprintf sqrt strcmp strcspn strerror strlen strncmp strtoul ]]

describe("the simulator's core", function()
  it("imports functions of memory, text and maths only", function()
    if os.getenv "LD_PRELOAD" or (os.getenv "MCAST_COVERAGE" or "") ~= "" then
      pending "an instrumented build imports more than its sources do"
      return
    end
    local refused, n = {}, 0
    local path = assert(package.searchpath("mcast.sim.core", package.cpath))
    for name in helper.check("nm -D --undefined-only " .. helper.quote(path)):gmatch "U ([^\n@]+)" do
      n = n + 1
      if not (name:find "^luaL?_" or allowed:find(" " .. name .. "%f[%s]")) then
        refused[#refused + 1] = name
      end
    end
    assert.same({}, refused)
    assert.is_true(n > 50, n)
  end)
end)
