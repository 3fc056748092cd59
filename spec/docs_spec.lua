-- Runs the usage of each documented function.
local helper <const> = require "spec.helper"

local prelude <const> = [[
  local mcast = require "mcast"
  local sock = assert(mcast.socket { metadata = true, interface = "lo" })
  local a, b = sock, assert(mcast.socket())
  local from, errno = b:getsockname(), mcast.errno.ETIMEDOUT
  assert(sock:join "224.3.29.71")
  assert(b:sendto("hello", "127.0.0.1", sock:getsockname().port))
]]

helper.network("the usage in the manual", function()
  local n = 0
  for path in helper.check "ls src/*.c":gmatch "[^\n]+" do
    for block in assert(io.open(path)):read "a":gmatch "/%*%*%*\n(.-)%*/" do
      local name, usage = block:match "@function (%S+)", block:match "@usage (.*)"
      if usage then
        n = n + 1
        usage = usage:gsub("\n@.*", "")
        it(("of %s runs"):format(name or "errno"), function()
          local before = name == "unblock" and 'sock:block("224.3.29.71", "192.168.1.66")' or ""
          helper.check(helper.lua .. " " .. helper.script(prelude .. before .. "\n" .. usage))
        end)
      end
    end
  end

  it("is there for nearly all", function()
    assert.is_true(n >= 27, n)
  end)
end)
