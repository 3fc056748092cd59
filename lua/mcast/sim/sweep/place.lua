-- The places in a program at which sweeps, or shrinking, are called: by them a replay finds a scenario in its file.
local check <const> = require "mcast.check"

local place = {}

local calls = {} -- how many, by place

local wanted -- the replay of a place: {name =, replay =, found = was it reached?, ok =, message =}

-- The place that calls this library: the second and later calls of a line have a number.
function place.here()
  local line <const> = check.caller()
  calls[line] = (calls[line] or 0) + 1
  return calls[line] == 1 and line or ("%s#%d"):format(line, calls[line])
end

-- The file of a place, where there is such a file.
function place.file(name)
  local path <const> = name and name:match "^(.*):%d+#?%d*$"
  local file <const> = path and io.open(path)
  if file then
    file:close()
    return path
  end
end

-- Called at a place: where a replay looks for it, it ends the program here. Returns whether a replay looks for another one.
function place.reached(name, scenario, vary)
  if wanted and wanted.name == name then
    wanted.found, wanted.ok, wanted.message = true, pcall(wanted.replay, scenario, vary)
    error(wanted, 0)
  end
  return wanted ~= nil
end

-- Functions of busted in a file of specs: blocks are run, specs and their preparations are not.
local BLOCKS <const> = { "describe", "context", "insulate", "expose" }
local OTHERS <const> = { "it", "spec", "test", "pending", "setup", "teardown", "lazy_setup", "lazy_teardown", "strict_setup",
  "strict_teardown", "before_each", "after_each" }

-- Puts them in place of those that are missing, or of busted's, until what it returns is closed.
local function stub()
  local before = {}
  local function put(names, f)
    for _, name in ipairs(names) do
      before[name], _G[name] = rawget(_G, name) or false, f
    end
  end
  put(BLOCKS, function(_, f) f() end)
  put(OTHERS, function() end)
  return setmetatable({}, { __close = function()
    for name, value in pairs(before) do
      _G[name] = value or nil
    end
  end })
end

-- Runs a place's program until the place, where replay is called with the scenario and the forms of its parameters.
function place.run(name, replay)
  local path <const> = check.expect(place.file(name), "replay: no file of '%s' (path:line expected)", name)
  local outer <const>, before <const> = wanted, calls
  local this <const> = { name = name, replay = replay }
  wanted, calls = this, {}
  local _ <close> = stub()
  local _, message = pcall(dofile, path)
  wanted, calls = outer, before
  if not this.found then
    check.expect(message == nil, "replay: %s", message)
    check.fail("replay: no sweep is called at %s", name)
  elseif not this.ok then
    error(this.message, 0)
  end
end

return place
