-- mcast run: a script on the real network, with a trace.
local live <const> = require "mcast.cli.live"

local run = {
  summary = "Runs a script on the real network, and records a trace",
  description = "Runs a script as lua does, with its arguments: options of mcast run are before the script's name. "
    .. "mcast timeline draws the trace.",
  example = "mcast run --trace receiver.trace receiver.lua --group 239.1.2.3",
  valued = { ["--trace"] = true, ["--impair"] = true, ["--node"] = true, ["--live"] = true }, -- options that a word follows
}

local function check_impair(text)
  local ok <const>, message <const> = pcall(require "mcast.impair.settings".parse, text)
  if not ok then
    return nil, (tostring(message):gsub("^MCAST_IMPAIR: ", ""))
  end
  return text
end

function run.options(parser)
  parser:option("--trace", "Record the run in this file."):argname "FILE"
  parser:option("--impair", "Lose, double and delay datagrams, such as loss=0.05,delay=0.01..0.02,seed=7."):argname "KEYS"
    :convert(check_impair)
  parser:option("--live", "Serve the picture while it grows, on loopback unless a host is named."):argname "[HOST:]PORT"
    :convert(live.parse)
  parser:option("--node", "The node's name in the trace; default: MCAST_NODE, else script@host.")
  parser:argument("script", "A Lua script, and its arguments."):args "+":argname { "SCRIPT", "ARGUMENT" }
end

-- `arg` as lua gives it to a script.
local function lend_arguments(script)
  local first = 0
  while arg[first - 1] do
    first = first - 1
  end
  local own <const> = table.move(script, 2, #script, 1, { [0] = script[1] })
  for i = first, -1 do
    own[i] = arg[i]
  end
  _G.arg = own
end

function run.run(args, out)
  local trace <const> = require "mcast.trace"
  lend_arguments(args.script)
  if args.impair then
    require "mcast.impair.settings".given = args.impair
    require "mcast.impair"
  end
  if out.json then
    require "mcast.cli.lines".objects(out)
  end
  local path <const> = args.trace or args.live and os.tmpname()
  local recording, why
  if path then
    recording, why = trace.start(path, { node = args.node })
    if not recording then
      return 1, why
    end
  end
  local view <const> = args.live and live.start(path, args.live, { remove = not args.trace, lines = true,
    title = args.script[1] })
  local ok, failure = trace.run(table.unpack(args.script))
  if recording then
    local written <const>, message <const> = recording:close()
    ok, failure = ok and written, failure or message
  end
  if view then
    view:close()
  end
  local interrupted <const> = failure and failure:find("interrupted!\n", 1, true) ~= nil
  out:record({ event = "summary", ended = ok == true, reason = failure }, nil, { "event", "ended", "reason" })
  return interrupted and 130 or ok and 0 or 1, interrupted and "interrupted" or failure
end

return run
