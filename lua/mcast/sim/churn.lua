-- Churn: nodes leave and come back, by distributions of their sessions and absences, or by a trace.
local check <const> = require "mcast.check"
local distribution <const> = require "mcast.sim.distribution"
local lines <const> = require "mcast.sim.lines"
local node <const> = require "mcast.sim.node"
local run <const> = require "mcast.sim.run"
local temporary <const> = require "mcast.sim.temporary"
local victims <const> = require "mcast.sim.victims"

local churn = {}

-- The times in a line, such as "0 100 200", or a reason why it has none.
local function readline(line)
  local times = {}
  for word in line:gmatch "%S+" do
    times[#times + 1] = tonumber(word) or word
  end
  return times
end

-- The reason why a list of times cannot be a node's.
local function wrong(times)
  for i, time in ipairs(times) do
    if not check.seconds.accepts(time) then
      return ("seconds of 0 or more expected, got %s"):format(check.quoted(time))
    elseif i > 1 and time < times[i - 1] then
      return ("times in ascending order expected, got %g after %g"):format(time, times[i - 1])
    end
  end
end

-- Lists of times, by node, of the path of a file, or of a list of lines or of lists of times.
local function readtrace(given)
  local list = {}
  if type(given) == "string" then
    lines(given, function(line)
      list[#list + 1] = readline(line)
      return wrong(list[#list])
    end)
    return list
  end
  for i, line in ipairs(given) do
    list[i] = type(line) == "string" and readline(line) or line
    local why <const> = type(list[i]) ~= "table" and "line or list of times expected" or wrong(list[i])
    check.expect(not why, "bad option 'trace' (entry %d: %s)", i, why)
  end
  return list
end

-- Goes through the times of a list.
local function listed(times)
  local i = 0
  return function()
    i = i + 1
    return times[i]
  end
end

-- Goes through times that end sessions and absences by turns, drawn from the net's seed and the node's name.
local function drawn(one, options)
  one.churns = (one.churns or 0) + 1
  local random <const> = one.net.core:stream(("churn %d of %s"):format(one.churns, one.name))
  local session <const>, away <const> = distribution.drawer(options.session), distribution.drawer(options.away)
  local time, up = 0, false
  return function()
    up = not up
    time = time + (up and session or away)(random)
    return time
  end
end

-- From now on a node changes at the times that a function returns, which are seconds after `from`.
local function live(one, up, times, from, till)
  local net <const>, left = one.net, not up
  local function await()
    local time <const> = times()
    if time and time < math.huge then
      temporary.at(net, from + time, function()
        if up and net:now() <= till then
          left = node.crash(one)
        elseif not up and left and one.status == "crashed" then
          node.restart(one)
        end
        up = not up
        await()
      end)
    end
  end
  await()
end

-- A node whose script has not begun waits for its restart; another one crashes.
local function withhold(one)
  local core <const> = one.net.core
  if core:begun(one.id) then
    node.crash(one)
  elseif core:crash(one.id) then
    one.status = "crashed"
  end
end

-- Has nodes live by a trace. Its lines begin while the node is down.
local function replay(nodes, trace, from, till)
  check.expect(#trace == #nodes, "the trace is of %d nodes, not %d", #trace, #nodes)
  for i, one in ipairs(nodes) do
    local up <const> = trace[i][1] == 0
    if not up then
      withhold(one)
    end
    live(one, up, listed(table.move(trace[i], up and 2 or 1, #trace[i], 1, {})), from, till)
  end
end

local allowed <const> = {
  session = distribution.kind,
  away = distribution.kind,
  trace = check.kind("path or list", function(value) return type(value) == "string" or check.list.accepts(value) end),
  nodes = check.many,
  from = check.seconds,
  till = check.seconds,
}

-- Raises where neither a trace nor distributions are given, or both.
local function checkforms(options)
  check.expect(not options.trace or not (options.session or options.away),
    "option 'trace' is in place of 'session' and 'away'")
  check.expect(options.trace or options.session, "missing option 'session' (or 'trace')")
  check.expect(options.trace or options.away, "missing option 'away'")
  check.expect(options.trace or distribution.isabovezero(options.session) or distribution.isabovezero(options.away),
    "bad option 'session' (above 0 expected, as 'away' is 0)")
end

-- See Net:churn.
function churn.start(net, options)
  options = check.options(options, allowed)
  checkforms(options)
  local nodes <const> = options.nodes and victims(net, options.nodes) or net.nodes
  check.expect(#nodes > 0, "churn: no nodes")
  local from <const>, till <const> = options.from or net:now(), options.till or math.huge
  run.checktime(net, "option 'from'", from)
  if options.trace then
    replay(nodes, readtrace(options.trace), from, till)
    return
  end
  for _, one in ipairs(nodes) do
    live(one, true, drawn(one, options), from, till)
  end
end

return churn
