-- The workers of a sweep: each runs one seed, as a copy of this process, so it begins with the same state as in its replay.
-- A worker reports by a pipe; its standard output is closed.
local check <const> = require "mcast.check"
local coverage <const> = require "mcast.sim.sweep.coverage"
local processes <const> = require "mcast.sim.worker"
local replay <const> = require "mcast.sim.replay"
local stream <const> = require "mcast.sim.sandbox.stream"
local strategy <const> = require "mcast.sim.sweep.strategy"

local workers = {}

-- Tables of names and booleans that a worker reports: true where any of them has it.
local COUNTED <const> = { "touched", "seen" }

-- The number of cores of this machine.
function workers.cores()
  local pipe = io.popen "nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null"
  local n = pipe and math.tointeger(tonumber(pipe:read "l" or "1"))
  if pipe then
    pipe:close()
  end
  return n or 1
end

-- The first line of an error, without addresses of memory.
function workers.firstline(message)
  local meta <const> = getmetatable(message)
  local plain <const> = type(message) == "string" or type(message) == "number" or type(meta) == "table" and meta.__tostring
  return plain and tostring(message):match "^[^\n]*" or ("(error object is a %s value)"):format(type(message))
end

-- Runs a seed in a worker; returns the text to report.
local function work(plan, seed)
  local current <const> = replay.begin(plan, seed)
  current.nets = plan.search.window and {} or nil
  local ok, message = stream.leave_after(xpcall, replay.call, workers.firstline, plan)
  local words = { string.pack("<Bs4js4", ok and 1 or 0, ok and "" or tostring(message), current.events,
    current.nets and ok and coverage.text(current.nets) or "") }
  for _, list in ipairs(COUNTED) do
    for name, value in pairs(current[list]) do
      words[#words + 1] = string.pack("<s1Bs4", list, value and 1 or 0, name)
    end
  end
  return string.pack("<s4", table.concat(words))
end

local function cause(plan, how, status)
  if how == "timeout" then
    return ("no end within %s s (timeout)"):format(plan.timeout)
  end
  return ("the worker ended %s %d"):format(how == "signal" and "by signal" or "with exit status", status)
end

-- Adds a run to the failures, unless its worker reports success.
local function conclude(plan, worker, failed)
  local complete <const>, report = pcall(string.unpack, "<s4", table.concat(worker.pieces))
  local how <const>, status <const> = worker.handle:close()
  if not complete then
    failed[#failed + 1] = { run = worker.run, seed = worker.seed, message = cause(plan, how, status) }
    return
  end
  local ok, message, events, states, at = string.unpack("<Bs4js4", report)
  if ok == 0 then
    failed[#failed + 1] = { run = worker.run, seed = worker.seed, message = message, events = events }
  end
  if states ~= "" then
    plan.search:report(worker.run, states)
  end
  while at <= #report do
    local list, value, name
    list, value, name, at = string.unpack("<s1Bs4", report, at)
    plan[list][name] = plan[list][name] or value == 1
  end
end

local function killall(running)
  for _, worker in ipairs(running) do
    worker.handle:kill()
  end
end

local function launch(plan, run, running)
  local seed <const> = plan.search:seed(run)
  local handle <const>, message = processes.start(function() return work(plan, seed) end, plan.timeout or math.huge)
  check.expect(handle or running > 0, "sweep: %s", message)
  return handle and { handle = handle, run = run, seed = seed, pieces = {} }
end

-- Have all runs concluded that the choice of the next one depends on?
local function isready(plan, run, running)
  return not plan.search.window or not running[1] or running[1].run > run - plan.search.window
end

-- Runs all of a plan, or until enough have failed; returns the runs that failed, in their order.
function workers.run(plan)
  local running <close> = setmetatable({}, { __close = killall })
  local failed, handles, begun = {}, {}, 0
  plan.search = strategy.new(plan.strategy, plan.first)
  collectgarbage() -- finalizers run here, not in each worker
  repeat
    while #running < plan.jobs and begun < plan.count and #failed < plan.enough and isready(plan, begun + 1, running) do
      local worker <const> = launch(plan, begun + 1, #running)
      if not worker then
        break -- too many processes: waits until one of them has ended
      end
      running[#running + 1], handles[#running + 1] = worker, worker.handle
      begun = begun + 1
    end
    local i <const> = processes.wait(handles)
    local piece <const> = i > 0 and handles[i]:read()
    if piece then
      table.insert(running[i].pieces, piece)
    elseif i > 0 then
      table.remove(handles, i)
      conclude(plan, table.remove(running, i), failed)
    end
  until #running == 0 and (begun == plan.count or #failed >= plan.enough)
  table.sort(failed, function(a, b) return a.run < b.run end)
  return failed
end

return workers
