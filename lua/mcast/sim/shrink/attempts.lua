-- Attempts to fail with fewer faults: each is a worker, which runs the seed with some of its faults alone.
local processes <const> = require "mcast.sim.worker"
local replay <const> = require "mcast.sim.replay"
local sieve <const> = require "mcast.sim.sieve"
local stream <const> = require "mcast.sim.sandbox.stream"
local workers <const> = require "mcast.sim.sweep.workers"

local attempts = {}

-- The sieve for a list of faults; nil: all faults of the seed.
function attempts.sieve(faults)
  local only = faults and {}
  for _, fault in ipairs(faults or {}) do
    only[fault.name] = fault.given or true
  end
  return sieve.new(only)
end

-- The part of an error that stays the same in a smaller run: the name of the invariant, or a node's error without its time.
function attempts.cause(message)
  return message:match "^(.-) does not hold at " or (message:gsub(" at [%d.]+ s with seed %S*", ""))
end

-- Runs the seed in a worker; returns the text to report: success, error, count of events, and the faults.
local function work(plan, faults)
  local sifted <const> = attempts.sieve(faults)
  local current <const> = replay.begin(plan, plan.seed, sifted)
  local ok, message = stream.leave_after(xpcall, replay.call, workers.firstline, plan)
  local words = { string.pack("<Bs4j", ok and 1 or 0, ok and "" or tostring(message), current.events) }
  for _, fault in ipairs(sifted.seen) do
    words[#words + 1] = string.pack("<s4s4s4s4nn", fault.name, fault.kind, fault.at or "", fault.data or "", fault.time,
      fault.seconds or -1)
  end
  return string.pack("<s4", table.concat(words))
end

-- Runs the seed in a worker with some faults, which are marked, and calls a function with its last net; returns what the
-- function returns: true; or nil, a message and an errno.
function attempts.show(plan, faults, f)
  local handle <const>, why = processes.start(function()
    local sifted <const> = attempts.sieve(faults)
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

-- The report of a worker that failed, or nil.
local function read(text)
  local complete <const>, report = pcall(string.unpack, "<s4", text)
  if not complete then
    return nil
  end
  local ok, message, events, at = string.unpack("<Bs4j", report)
  local faults = {}
  while at <= #report do
    local fault = {}
    fault.name, fault.kind, fault.at, fault.data, fault.time, fault.seconds, at = string.unpack("<s4s4s4s4nn", report, at)
    fault.data, fault.seconds = fault.data ~= "" and fault.data or nil, fault.seconds >= 0 and fault.seconds or nil
    faults[#faults + 1] = fault
  end
  return ok == 0 and { message = message, events = events, faults = faults } or nil
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

local function launch(plan, running, lists, i)
  local seconds <const> = patience(plan)
  local handle <const> = seconds > 0 and processes.start(function() return work(plan, lists[i]) end, seconds)
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

-- Runs a seed with each of some lists of faults, on all cores; returns the report of the first list, in their order, with
-- which it fails by the plan's cause, and its place. Nil where there is none, or no time is left.
function attempts.first(plan, lists, last)
  local running <close> = setmetatable({}, { __close = killall })
  local begun, found, place = 0, nil, (last or #lists) + 1
  repeat
    while begun + 1 < place and #running < plan.jobs and launch(plan, running, lists, begun + 1) do
      begun = begun + 1
    end
    local worker <const> = #running > 0 and await(running)
    local report <const> = worker and worker.place < place and read(table.concat(worker.pieces))
    if report and (not plan.cause or attempts.cause(report.message) == plan.cause) then
      found, place = report, worker.place
    end
    plan.progress()
  until #running == 0 and (begun + 1 >= place or patience(plan) <= 0)
  return found, found and place
end

return attempts
