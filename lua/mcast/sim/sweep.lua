-- Sweeps: a scenario with many seeds, on all cores. Each seed runs in a worker of its own, a copy of this process, so it
-- begins with the same state as in its replay. A worker reports by a pipe; its standard output is closed.
local check <const> = require "mcast.check"
local locale <const> = require "mcast.locale"
local processes <const> = require "mcast.sim.worker"
local touch <const> = require "mcast.sim.touch"

local sweep = {}

local SHOWN <const> = 10 -- failed seeds whose errors are printed

local current -- the seed that this process runs: {seed =, name =, env =, events =, counted =, touched =}

local function quote(text)
  return text:find "^[%w/._=:-]+$" and text or "'" .. text:gsub("'", "'\\''") .. "'"
end

local function assignment(words, name, value)
  if value then
    words[#words + 1] = ("%s=%s"):format(name, quote(tostring(value)))
  end
end

-- The command that started this process, with the environment of a seed.
local function command(run)
  local words, first = {}, 0
  for _, name in ipairs(run.env) do
    assignment(words, name, os.getenv(name))
  end
  assignment(words, "MCAST_SEED", run.seed)
  assignment(words, "MCAST_SWEEP", run.name)
  while arg and arg[first - 1] do
    first = first - 1
  end
  for i = first, arg and #arg or -1 do
    words[#words + 1] = quote(arg[i])
  end
  return "replay: " .. table.concat(words, " ")
end

-- The line that replays a net of this seed; within a sweep, the sweep's seed.
function sweep.replay(seed)
  return command(current or { seed = seed, env = {} })
end

-- The seed that the sweep runs in this process, or nil.
function sweep.seed()
  return current and current.seed
end

-- Called after each run of a net.
function sweep.ran(net)
  if current then
    local before <const>, now <const> = current.counted[net] or 0, net.core:executed()
    current.counted[net] = now
    current.events = current.events + now - before
    for name, touched in pairs((touch.read(net))) do
      current.touched[name] = current.touched[name] or touched
    end
  end
end

local function begin(plan, seed)
  current = { seed = seed, name = plan.name, env = plan.env, events = 0, counted = setmetatable({}, { __mode = "k" }),
    touched = {} }
  math.randomseed(seed)
end

--
-- Workers
--

-- The first line of an error, without addresses of memory.
local function firstline(message)
  local meta <const> = getmetatable(message)
  local plain <const> = type(message) == "string" or type(message) == "number" or type(meta) == "table" and meta.__tostring
  return plain and tostring(message):match "^[^\n]*" or ("(error object is a %s value)"):format(type(message))
end

-- Runs a seed in a worker; returns the text to report.
local function work(plan, seed)
  begin(plan, seed)
  local ok, message = xpcall(plan.scenario, firstline, seed)
  local words = { string.pack("<Bs4j", ok and 1 or 0, ok and "" or tostring(message), current.events) }
  for name, touched in pairs(current.touched) do
    words[#words + 1] = string.pack("<Bs4", touched and 1 or 0, name)
  end
  return string.pack("<s4", table.concat(words))
end

local function cause(plan, how, status)
  if how == "timeout" then
    return ("no end within %s s (timeout)"):format(plan.timeout)
  end
  return ("the worker ended %s %d"):format(how == "signal" and "by signal" or "with exit status", status)
end

-- Adds a seed to the failures, unless its worker reports success.
local function conclude(plan, worker, failed)
  local complete <const>, report = pcall(string.unpack, "<s4", table.concat(worker.pieces))
  local how <const>, status <const> = worker.handle:close()
  if not complete then
    failed[#failed + 1] = { seed = worker.seed, message = cause(plan, how, status) }
    return
  end
  local ok, message, events, at = string.unpack("<Bs4j", report)
  if ok == 0 then
    failed[#failed + 1] = { seed = worker.seed, message = message, events = events }
  end
  while at <= #report do
    local touched, name
    touched, name, at = string.unpack("<Bs4", report, at)
    plan.touched[name] = plan.touched[name] or touched == 1
  end
end

local function killall(workers)
  for _, worker in ipairs(workers) do
    worker.handle:kill()
  end
end

local function launch(plan, seed, running)
  local handle <const>, message = processes.start(function() return work(plan, seed) end, plan.timeout or math.huge)
  check.expect(handle or running > 0, "sweep: %s", message)
  return handle and { handle = handle, seed = seed, pieces = {} }
end

local function spread(plan)
  local workers <close> = setmetatable({}, { __close = killall })
  local failed, handles, begun = {}, {}, 0
  collectgarbage() -- finalizers run here, not in each worker
  repeat
    while #workers < plan.jobs and begun < plan.count do
      local worker <const> = launch(plan, plan.first + begun, #workers)
      if not worker then
        break -- too many processes: waits until one of them has ended
      end
      workers[#workers + 1], handles[#workers + 1] = worker, worker.handle
      begun = begun + 1
    end
    local i <const> = processes.wait(handles)
    local piece <const> = i > 0 and handles[i]:read()
    if piece then
      table.insert(workers[i].pieces, piece)
    elseif i > 0 then
      table.remove(handles, i)
      conclude(plan, table.remove(workers, i), failed)
    end
  until #workers == 0 and begun == plan.count
  table.sort(failed, function(a, b) return a.seed < b.seed end)
  return failed
end

--
-- The report
--

local function shortest(failed)
  local best = failed[1]
  for _, failure in ipairs(failed) do
    if (failure.events or math.huge) < (best.events or math.huge) then
      best = failure
    end
  end
  return best
end

-- The faults that touched no copy in any seed.
local function report_untouched(all)
  local list = {}
  for name, touched in pairs(all) do
    list[#list + 1] = not touched and name or nil
  end
  table.sort(list)
  for i = 1, math.min(#list, SHOWN) do
    print("touched no copy in any seed: " .. list[i])
  end
  if #list > SHOWN then
    print(("  and %d more"):format(#list - SHOWN))
  end
end

local function report(plan, failed)
  print(("%d of %d seeds failed"):format(#failed, plan.count))
  for i = 1, math.min(#failed, SHOWN) do
    print(("  seed %d: %s"):format(failed[i].seed, failed[i].message))
  end
  if #failed > SHOWN then
    print(("  and %d more"):format(#failed - SHOWN))
  end
  report_untouched(plan.touched)
  if failed[1] then
    local best <const> = shortest(failed)
    if #failed > 1 and best.events then
      print(("seed %d fails with the fewest events, %d"):format(best.seed, best.events))
    end
    print(command { seed = best.seed, name = plan.name, env = plan.env })
  end
end

--
-- Which sweep is it? The second and later ones of a process are named by their line, so that a replay finds them.
--

local begun, calls, wanted = 0, {}, nil

local function identify()
  local line <const> = check.caller()
  begun = begun + 1
  calls[line] = (calls[line] or 0) + 1
  return calls[line] == 1 and line or ("%s#%d"):format(line, calls[line])
end

-- Is it another sweep than MCAST_SWEEP names? At the end of the process it is reported where none was that one.
local function isother(name)
  local asked <const> = os.getenv "MCAST_SWEEP"
  if not asked or asked == "" then
    return false
  end
  wanted = wanted or setmetatable({}, { __gc = function(self)
    if not self.found then
      io.stderr:write(("MCAST_SWEEP=%s: no such sweep was called\n"):format(asked))
    end
  end })
  wanted.found = wanted.found or asked == name
  return asked ~= name
end

local function cores()
  local pipe = io.popen "nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null"
  local n = pipe and math.tointeger(tonumber(pipe:read "l" or "1"))
  if pipe then
    pipe:close()
  end
  return n or 1
end

local function isname(value)
  return type(value) == "string" and value:find "^[%a_][%w_]*$" ~= nil
end

local isinteger <const> = check.integer().accepts

local allowed <const> = {
  scenario = check.callable,
  seeds = check.kind("{first, last}", function(value)
    return type(value) == "table" and isinteger(value[1]) and isinteger(value[2]) and #value == 2
  end),
  jobs = check.integer(1, 1000000),
  timeout = check.number("seconds above 0", 1e-6, 1e9),
  env = check.kind("list of names", function(value)
    for _, name in ipairs(type(value) == "table" and value or { value }) do
      if not isname(name) then
        return false
      end
    end
    return isname(value) or type(value) == "table" and (#value > 0 or next(value) == nil)
  end),
}

local function planned(options)
  options = check.options(options, allowed)
  check.expect(options.scenario, "missing option 'scenario' (function of a seed)")
  check.expect(options.seeds, "missing option 'seeds' ({first, last})")
  local first <const>, last <const> = options.seeds[1], options.seeds[2]
  local count <const> = last - first + 1
  check.expect(first <= last and count > 0, "bad option 'seeds' (a sweep of no seed, from %d to %d)", first, last)
  local env <const> = options.env or {}
  return { scenario = options.scenario, first = first, count = count, jobs = options.jobs, timeout = options.timeout,
    env = type(env) == "table" and env or { env }, touched = {} }
end

-- Runs one seed in this process. Its error passes through, with its traceback.
local function replay(plan, text)
  local outer <const> = current
  local _ <close> = setmetatable({}, { __close = function() current = outer end })
  begin(plan, check.expect(math.tointeger(tonumber(text)), "MCAST_SEED is not an integer: '%s'", text))
  plan.scenario(current.seed)
  return {}
end

-- See sim.sweep.
function sweep.run(options)
  local plan <const>, name <const> = planned(options), identify()
  if isother(name) then
    return {}
  end
  plan.name = begun > 1 and name or nil
  local one <const> = os.getenv "MCAST_SEED"
  if one then
    return replay(plan, one)
  end
  local _ <close> = locale.plain()
  plan.jobs = math.min(plan.jobs or cores(), plan.count)
  local failed <const> = spread(plan)
  report(plan, failed)
  return failed
end

return sweep
