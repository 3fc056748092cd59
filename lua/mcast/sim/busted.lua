--- Sweeps as specs of busted. A spec that fails shrinks one of its seeds, and reports its story:
--
--     local it_holds <const> = require "mcast.sim.busted".it_holds
--     local sim <const> = require "mcast.sim"
--
--     describe("an election", function()
--       it_holds("at most one leader", { seeds = { 1, 200 }, scenario = function(seed)
--         local net <const> = sim.new { seed = seed, loss = 0.1 }
--         -- nodes, faults, net:always(...)
--         net:run(10)
--       end })
--     end)
--
-- @module mcast.sim.busted
local check <const> = require "mcast.check"
local command <const> = require "mcast.sim.command"
local files <const> = require "mcast.sim.sweep.files"
local place <const> = require "mcast.sim.sweep.place"
local progress <const> = require "mcast.progress"
local sweep <const> = require "mcast.sim.sweep"

local tests = {}

local following, running = false, nil -- does it follow the specs of busted? The one that runs, as busted has it

-- Busted, in the process that it runs, or nil.
local function loaded()
  local busted <const> = package.loaded.busted
  local found <const> = type(busted) == "table" and busted.it and busted or nil
  if found and not following then
    following, progress.hidden = true, true
    for _, event in ipairs { "start", "end" } do
      found.subscribe({ "test", event }, function(element)
        running = event == "start" and element or nil
        return nil, true
      end)
    end
  end
  return found
end

-- The name by which busted's --filter knows the spec that runs.
local function fullname(busted)
  local one, names = running, {}
  repeat
    table.insert(names, 1, one.name or one.descriptor)
    one = busted.parent(one)
  until not one or not (one.name or one.descriptor) or one.descriptor == "file"
  return table.concat(names, " ")
end

-- The words of the command that runs this spec alone: as busted was started, with another filter.
local function words(name)
  local list <const>, own = command.words(), {}
  local script <const>, skipped = #list - #arg, false
  for i, word in ipairs(list) do
    local filters <const> = i > script and word:find "^%-%-filter=?" and not word:find "^%-%-filter%-"
    if not skipped and not filters then
      own[#own + 1] = word
    end
    skipped = filters and word == "--filter"
    if i == script then
      table.move({ "--filter", "^" .. name:gsub("[%^$()%%.%[%]*+?-]", "%%%0") .. "$" }, 1, 2, #own + 1, own)
    end
  end
  return own
end

-- An error of the seed that is replayed, with a place.
local function placed(message, where)
  return type(message) == "string" and (message:find "^[^\n]-:%d+: " and message or where .. message)
end

-- Runs the sweep; fails at the place of the spec.
local function run(busted, plan, folder, where)
  local name <const>, lines = fullname(busted), {}
  plan.id, plan.words, plan.print = name, words(name), function(line) lines[#lines + 1] = line end
  local ok <const>, failed = pcall(sweep.search, plan)
  if not ok then
    busted.fail(placed(failed, where) or failed, 0)
  end
  for _, failure in ipairs(failed) do
    if failure.story then
      files.write(failure.story, folder, where:match "^(.*):%d+: $" .. " " .. name, plan.print)
    end
  end
  return failed[1] and busted.fail(where .. table.concat(lines, "\n"), 0)
end

--- Declares a spec that runs a scenario with many seeds, as `mcast.sim.sweep` does, and holds where no seed fails.
--
-- Where some fail, it shrinks the failure with the fewest events, and busted prints the report of the sweep, the story, and
-- the command that replays that seed in this spec alone. A picture, a page and a Lua file of the story are in a folder
-- afterwards, which is made where it is missing: `<file of the spec>-<name of the spec>-seed-<seed>.svg`, `.html`, `.lua`.
-- Where the sweep holds, nothing is printed or written; so a situation of `Net:sometimes` that no seed has seen is a failure.
-- @function it_holds
-- @tparam string name
-- @tparam table options those of `mcast.sim.sweep`; `shrink` and `reach` are true by default, and may be false
-- @tparam[opt] string options.folder default: that of the environment variable MCAST_STORIES, else "stories"
-- @raise outside of busted, and where an option is bad
function tests.it_holds(name, options)
  check.argument(1, "it_holds", name, check.name)
  check.argument(2, "it_holds", options, check.table)
  local here <const> = place.here()
  if place.reached(here, options.scenario, options.vary) then
    return
  end
  local busted <const> = check.expect(loaded(), "it_holds is called outside of busted (run this file by busted)")
  check.expect(not running, "it_holds is called within a spec (call it beside it, in a block of describe)")
  local own = {}
  for key, value in next, options do
    own[key] = value
  end
  local folder <const> = check.options({ folder = own.folder }, { folder = check.name }).folder
  own.folder, own.shrink, own.reach = nil, own.shrink == nil or own.shrink, own.reach == nil or own.reach or nil
  local plan <const>, where <const> = sweep.plan(own), check.caller() .. ": "
  plan.place = here
  -- A tail call, so that busted reports the line of the caller.
  return busted.it(name, function() run(busted, plan, folder or os.getenv "MCAST_STORIES" or "stories", where) end)
end

loaded()

return tests
