-- Attempts to fail with fewer faults: each is a worker, which runs the seed with some of its faults alone.
local processes <const> = require "mcast.sim.worker"
local replay <const> = require "mcast.sim.replay"
local sieve <const> = require "mcast.sim.sieve"
local stream <const> = require "mcast.sim.sandbox.stream"
local workers <const> = require "mcast.sim.sweep.workers"

local attempts = {}

-- The list of faults of a way; nil: all. A function returns it, where there are many ways whose lists would be long.
function attempts.faults(way)
  local faults <const> = way.faults
  if type(faults) == "function" then
    return faults()
  end
  return faults
end

-- The sieve for a way to run the seed: {faults = list of those that happen, or a function; and p, without,
-- till, usual and contents, as for sieve.new}.
local function sift(way)
  local faults <const> = attempts.faults(way)
  local only = faults and {}
  for _, fault in ipairs(faults or {}) do
    only[fault.name] = fault.given or true
  end
  return sieve.new { only = only, without = way.without, p = way.p, till = way.till, usual = way.usual,
    contents = way.contents }
end

local causes <const> = { "^(.-) does not hold at ", "^(.- is not judged): ", "(the bound '[%a_]+' of sim%.new is exceeded)" }

-- The part of an error that stays the same in a smaller run: the name of the invariant, or a node's error without its time.
function attempts.cause(message)
  for _, pattern in ipairs(causes) do
    local cause <const> = message:match(pattern)
    if cause then
      return cause
    end
  end
  return (message:gsub(" at [%d.]+ s with seed %S*", ""))
end

-- Runs the seed in a worker; returns the text to report: success, error, count of events, time, nodes, and the faults of a run
-- that failed.
local function work(plan, way)
  local sifted <const> = sift(way)
  local current <const> = replay.begin(plan, plan.seed, sifted)
  local ok, message = stream.leave_after(xpcall, replay.call, workers.firstline, plan)
  local words = { string.pack("<Bs4jnI4", ok and 1 or 0, ok and "" or tostring(message), current.events,
    sifted.net and sifted.net:now() or 0, #sifted.nodes) }
  for _, name in ipairs(sifted.nodes) do
    words[#words + 1] = string.pack("<s4", name)
  end
  for _, fault in ipairs(ok and {} or sifted.seen) do
    words[#words + 1] = string.pack("<s4s4s4s4nnn", fault.name, fault.kind, fault.at or "", fault.data or "", fault.time,
      fault.seconds or -1, fault.lasted or -1)
  end
  return string.pack("<s4", table.concat(words))
end

-- Runs the seed in a worker in a way whose faults are marked, and calls a function with its last net; returns the function's
-- results: true; or nil, a message and an errno.
function attempts.show(plan, way, f)
  local handle <const>, why = processes.start(function()
    local sifted <const> = sift(way)
    sifted.marks = true
    replay.begin(plan, plan.seed, sifted)
    stream.leave_after(pcall, replay.call, plan)
    if not sifted.net then
      return string.pack("<Bs4j", 0, "the scenario has no net", 0)
    end
    local done <const>, ok, message, errno = pcall(f, sifted.net)
    return string.pack("<Bs4j", done and ok and 1 or 0, tostring(not done and ok or message), errno or 0)
  end, math.huge)
  local pieces = {}
  for piece in handle and handle.read or function() end, handle do
    pieces[#pieces + 1] = piece
  end
  local complete <const>, ok, message, errno = pcall(string.unpack, "<Bs4j", table.concat(pieces))
  if complete and ok == 1 then
    return true
  end
  return nil, complete and message or why or "the worker ended early", complete and errno ~= 0 and errno or nil
end

local function positive(number)
  return number >= 0 and number or nil
end

-- The report of a worker, or nil where it ended early.
local function read(text)
  local complete <const>, report = pcall(string.unpack, "<s4", text)
  if not complete then
    return nil
  end
  local ok, message, events, time, count, at = string.unpack("<Bs4jnI4", report)
  local result <const> = { ok = ok == 1, message = message, events = events, time = time, nodes = {}, faults = {} }
  for i = 1, count do
    result.nodes[i], at = string.unpack("<s4", report, at)
  end
  while at <= #report do
    local fault = {}
    fault.name, fault.kind, fault.at, fault.data, fault.time, fault.seconds, fault.lasted, at =
      string.unpack("<s4s4s4s4nnn", report, at)
    fault.data = fault.data ~= "" and fault.data or nil
    fault.seconds, fault.lasted = positive(fault.seconds), positive(fault.lasted)
    table.insert(result.faults, fault)
  end
  return result
end

-- Seconds that a worker may take; 0 or less where no time is left.
local function patience(plan)
  return math.min(plan.limit or math.huge, plan.deadline - plan.clock())
end

local function killall(running)
  for _, worker in ipairs(running) do
    worker.handle:kill()
  end
end

local function launch(plan, running, ways, i)
  local seconds <const> = patience(plan)
  local handle <const> = seconds > 0 and processes.start(function() return work(plan, ways[i]) end, seconds)
  if not handle then
    return false
  end
  running[#running + 1] = { handle = handle, place = i, pieces = {} }
  plan.runs = plan.runs + 1
  return true
end

-- Waits until a worker has reported a piece or has ended; returns it in the latter case.
local function await(running)
  local handles = {}
  for i, worker in ipairs(running) do
    handles[i] = worker.handle
  end
  local i <const> = processes.wait(handles)
  local piece <const> = i > 0 and handles[i]:read()
  if piece then
    table.insert(running[i].pieces, piece)
  elseif i > 0 then
    handles[i]:close()
    return table.remove(running, i)
  end
end

-- Runs the seed in several ways, on all cores; returns the report of the first, in their order, that is wanted, and its place.
-- Nil where there is none, or no time is left.
local function first(plan, ways, iswanted)
  local running <close> = setmetatable({}, { __close = killall })
  local begun, found, place = 0, nil, #ways + 1
  repeat
    while begun + 1 < place and #running < plan.jobs and launch(plan, running, ways, begun + 1) do
      begun = begun + 1
    end
    local worker <const> = #running > 0 and await(running)
    local report <const> = worker and worker.place < place and read(table.concat(worker.pieces))
    plan.early = worker and not report
    if report and iswanted(report) then
      found, place = report, worker.place
    end
    plan.progress()
  until #running == 0 and (begun + 1 >= place or patience(plan) <= 0)
  return found, found and place
end

local function fails(plan, report)
  return not report.ok and (not plan.cause or attempts.cause(report.message) == plan.cause)
end

-- The first way in which it fails by the plan's cause.
function attempts.failing(plan, ways)
  return first(plan, ways, function(report) return fails(plan, report) end)
end

-- Does the seed not fail by the plan's cause in this way?
function attempts.passes(plan, way)
  return first(plan, { way }, function(report) return not fails(plan, report) end) ~= nil
end

return attempts
