-- mcast sim: a scenario of the simulator, with one seed or many.
local sim = {
  summary = "Runs a scenario of the simulator, sweeps over seeds, and shrinks a failure",
  description = "Runs a file that returns a function of a seed, or that calls the simulator itself. The exit status is 1 where "
    .. "a node fails or an invariant does not hold.",
  example = "mcast sim election.lua --seeds 1..1000 --shrink --timeline failure.html",
}

local RECORD <const> = { "event", "seed", "node", "time", "text", "message", "events", "vary", "failed", "seeds" }

local function read_range(text)
  local first <const>, last <const> = text:match "^(-?%d+)%.%.(-?%d+)$"
  local from <const>, to <const> = math.tointeger(tonumber(first)), math.tointeger(tonumber(last))
  if not from or not to or from > to then
    return nil, ("the first and the last seed expected, such as 1..100, got '%s'"):format(text)
  end
  return { from, to }
end

local function read_seed(text)
  local seeds <const> = require "mcast.sim.seed"
  if not seeds.read(text) then
    return nil, ("integer or text of a run expected, got '%s'"):format(text)
  end
  return text
end

function sim.options(parser)
  parser:argument("scenario", "A Lua file.")
  parser:argument("arguments", "Those of the file."):args "*"
  parser:mutex(
    parser:option("--seed", "Run one seed; default: MCAST_SEED, else 1."):argname "N":convert(read_seed),
    parser:option("--seeds", "Run all seeds from A to B, on all cores."):argname "A..B":convert(read_range))
  parser:option("--timeline", "Write the picture of the run, or of the failure: a page, or a still (.svg)."):argname "FILE"
  parser:option("--describe", "A file whose function words datagrams in the picture, or dns, rtp, coap or text.")
    :argname "FILE":convert(require "mcast.cli.words".decoder)
  parser:option("--trace", "Write its trace, for mcast timeline."):argname "FILE"
  parser:option("--pcapng", "Write its capture, for Wireshark."):argname "FILE"
  parser:flag("--shrink", "Leave of a failure the fewest faults, nodes and seconds.")
end

-- Prints the lines of nodes, and all that is printed, as objects.
local function print_objects(out)
  require "mcast.cli.lines".objects(out)
  return function(node, line)
    out:record({ event = "log", node = node.name, time = node.net:now(), text = line }, nil, RECORD)
  end
end

local function print_failures(scenario, out, message)
  for _, failure in ipairs(scenario.failed or {}) do
    out:record({ event = "failure", seed = failure.seed, message = failure.message, events = failure.events,
      vary = failure.vary }, nil, RECORD)
  end
  if message then
    out:record({ event = "failure", seed = scenario.seed, message = message }, nil, RECORD)
  end
end

-- Prints that a seed holds; a sweep has printed its own report.
local function summarize(scenario, out, holds)
  local count <const> = scenario.seeds and scenario.seeds[2] - scenario.seeds[1] + 1 or 1
  out:record({ event = "summary", failed = scenario.failed and #scenario.failed or holds and 0 or 1, seeds = count }, nil,
    RECORD)
  if holds and not scenario.failed and scenario.net then
    out:line("seed %s holds: %.6f s, %d events", scenario.seed, scenario.net:now(), scenario.net.core:executed())
  end
end

-- Writes one file of the run; returns whether that failed.
local function write(path, f)
  local ok <const>, message <const> = f()
  if not ok then
    io.stderr:write(("mcast: %s is not written: %s\n"):format(path, message))
  end
  return not ok and message ~= "no seed failed"
end

local function write_files(scenario, args)
  local picture <const> = require "mcast.cli.picture"
  local timeline <const>, failed = args.timeline, false
  if timeline then
    local method <const> = picture.isstill(timeline) and "write_svg" or "write_timeline"
    failed = write(timeline, function()
      if scenario.story then
        return scenario.story[method](scenario.story, picture.path(timeline), { describe = args.describe })
      end
      return scenario:show(function(net)
        return net[method](net, picture.path(timeline), { describe = args.describe,
          title = ("%s, seed %s"):format(args.scenario, net.called) })
      end)
    end)
  end
  local writers <const> = {
    pcapng = function(net) return net:write_pcapng(picture.path(args.pcapng)) end,
    trace = function(net) return require "mcast.trace".write(net.trace, picture.path(args.trace)) end,
  }
  for option, writer in pairs(writers) do
    local path <const> = args[option]
    failed = path and write(path, function() return scenario:show(writer) end) or failed
  end
  return failed
end

function sim.run(args, out)
  local scenario <const>, why <const> = require "mcast.cli.scenario".new {
    path = args.scenario, arguments = args.arguments, seed = args.seed, seeds = args.seeds, shrink = args.shrink,
    traced = (args.timeline or args.pcapng or args.trace) and true, output = out.json and print_objects(out) or nil,
  }
  if not scenario then
    return 2, why
  end
  local holds <const>, message <const> = scenario:run()
  local interrupted <const> = type(message) == "string" and message:find "interrupted!$" ~= nil
  if interrupted then
    out:record({ event = "interrupted" }, "interrupted" .. (scenario.net and (" at %.6f s"):format(scenario.net:now()) or ""),
      RECORD)
  elseif out.json then
    print_failures(scenario, out, message)
  elseif message then
    io.stdout:flush()
    io.stderr:write(tostring(message), "\n")
  end
  summarize(scenario, out, holds)
  local failed <const> = write_files(scenario, args)
  return interrupted and 130 or holds and not failed and 0 or 1
end

return sim
