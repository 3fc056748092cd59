-- Following a list of things, such as memberships: its changes, in words and as objects.
local interrupt <const> = require "mcast.cli.interrupt"
local mcast <const> = require "mcast"

local watch = {}

local EVERY <const> = 0.25 -- seconds between two looks, for changes that no monitor reports

local function index(list, key)
  local map = {}
  for _, entry in ipairs(list) do
    map[key(entry)] = entry
  end
  return map
end

-- The entries that are new, gone, or have changed: a list of {change, entry}.
local function compare(before, now, self)
  local old <const>, new <const>, changes = index(before, self.key), index(now, self.key), {}
  for _, entry in ipairs(before) do
    changes[#changes + 1] = not new[self.key(entry)] and { "removed", entry } or nil
  end
  for _, entry in ipairs(now) do
    local known <const> = old[self.key(entry)]
    local differs <const> = known and self.value(known) ~= self.value(entry)
    changes[#changes + 1] = (not known or differs) and { known and "changed" or "added", entry } or nil
  end
  return changes
end

-- Prints the changes of a list until Ctrl-C: `read()` returns it, `key(entry)` and `value(entry)` are texts by which an entry
-- is found again and compared, `complete(list)` adds the rest to a list that has changed, and `print(change, entry)` prints.
-- Changes of interfaces are seen at once.
function watch.follow(self, list)
  local monitor <close> = assert(mcast.monitor())
  interrupt.run(function()
    while true do
      local _, message <const>, errno <const> = monitor:read(EVERY)
      if message and errno ~= mcast.errno.ETIMEDOUT then
        error({ status = 1, message = message }, 0)
      end
      local now <const> = self.read()
      local changes <const> = compare(list, now, self)
      if changes[1] then
        list = self.complete(now)
      end
      for _, change in ipairs(changes) do
        self.print(table.unpack(change))
      end
    end
  end)
end

return watch
