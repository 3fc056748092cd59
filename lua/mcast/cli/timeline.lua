-- mcast timeline: traces and captures of real runs, and of simulated ones, as a picture or as figures.
local value <const> = require "mcast.cli.value"
local words <const> = require "mcast.cli.words"

local timeline = {
  summary = "Draws traces and captures of one run as a picture",
  description = "Draws traces (mcast run --trace, mcast sim --trace) and captures (pcapng or pcap) of one run as one picture: "
    .. "a page, or a still where the name ends in .svg. The clocks of several hosts are put in relation.",
  example = "mcast timeline a.trace b.trace c.pcapng -o run.html",
}

local ROW <const> = { "event", "node", "group", "sent", "delivered", "lost", "duplicated", "held", "drops", "latency" }
local CLOCK <const> = { "event", "node", "text", "offset", "drift", "bound" }

-- Fields in which a real run differs from a simulated one of the same script.
local IGNORED <const> = { "time", "from", "to", "socket", "host", "interface", "lan", "address", "ttl", "dscp", "ecn",
  "loopback", "outside", "sources", "port", "dropped" }

function timeline.options(parser)
  parser:argument("files", "Traces or captures."):args "+"
  parser:option("-o", "The picture; - for stdout."):target "output":argname "FILE"
  parser:flag("--stats", "Print the figures of each node and group.")
  parser:option("--compare", "Put the run of these files beside it, such as a simulated one."):argname "FILE":args "+"
  parser:option("--describe", "A file whose function words datagrams, or dns, rtp, coap or text."):convert(words.decoder)
  parser:option("--live", "Serve the picture of a trace while it grows, on loopback unless a host is named.")
    :argname "[HOST:]PORT":convert(require "mcast.cli.live".parse)
  parser:flag("--guarded"):hidden(true)  -- until the standard input ends
  parser:flag("--remove"):hidden(true)   -- the file, once it is open
  parser:flag("--no-lines"):hidden(true) -- without lines that were printed
  parser:option("--title", "The title of the picture.")
  parser:option("--bytes", "Bytes that the page keeps of each datagram."):convert(value.integer(0)):default "256"
end

-- Reads files as one run; nil and a message where one cannot be read.
local function read(files)
  local trace <const> = require "mcast.trace"
  local list <const> = {}
  for i, path in ipairs(files) do
    local one <const>, message <const> = trace.read(path)
    if not one then
      return nil, message
    end
    list[i] = one
  end
  if not list[2] and list[1].header.numbered then
    return list[1]
  end
  local ok <const>, run <const> = pcall(trace.merge, list)
  return ok and run or nil, run
end

local function print_clocks(run, out)
  for _, clock in ipairs(run.clocks or {}) do
    out:record({ event = "clock", node = clock.node, text = clock.text, offset = clock.offset, drift = clock.drift,
      bound = clock.bound }, clock.text, CLOCK)
  end
end

local function sorted(names)
  local list <const> = {}
  for name in pairs(names) do
    list[#list + 1] = name
  end
  table.sort(list)
  return list
end

local function print_stats(run, out)
  local figures <const> = require "mcast.trace".stats(run)
  for _, node in ipairs(out.json and sorted(figures) or {}) do
    for _, group in ipairs(sorted(figures[node])) do
      local row <const> = figures[node][group]
      out:record({ event = "figures", node = node, group = group, sent = row.sent, delivered = row.delivered,
        lost = row.lost, duplicated = row.duplicated, held = row.held, latency = row.latency,
        drops = setmetatable(row.drops, { __jsontype = "object" }) }, nil, ROW)
    end
  end
  out:line("%s", tostring(figures))
end

local function write(run, other, args)
  local picture <const> = require "mcast.cli.picture"
  if not other then
    local options <const> = { title = args.title or table.concat(args.files, ", "), describe = args.describe }
    options.bytes = not picture.isstill(args.output) and args.bytes or nil
    return picture.write(run, args.output, options)
  end
  local real <const> = run.clocks or other.clocks -- where both are simulated, all fields count
  return require "mcast.timeline".compare(run, other, picture.path(args.output), { title = args.title, bytes = args.bytes,
    titles = { table.concat(args.files, ", "), table.concat(args.compare, ", ") }, describe = args.describe,
    ignore = real and IGNORED or nil })
end

function timeline.run(args, out)
  if args.live then
    return require "mcast.cli.live".serve(args.files[1], args.live, { title = args.title, describe = args.describe,
      guarded = args.guarded, remove = args.remove, lines = not args.no_lines })
  elseif not args.output and not args.stats then
    return 2, "timeline: -o FILE, --stats or --live PORT expected"
  elseif args.compare and (not args.output or args.output:find "%.svg$") then
    return 2, "timeline: --compare writes a page: -o FILE.html expected"
  end
  local run <const>, message <const> = read(args.files)
  local other, why
  if args.compare then
    other, why = read(args.compare)
  end
  if not run or why then
    return 1, message or why
  end
  print_clocks(run, args.output == "-" and { record = function() end } or out)
  if args.stats then
    print_stats(run, out)
  end
  if args.output then
    local ok <const>, failure <const> = write(run, other, args)
    return ok and 0 or 1, not ok and failure or nil
  end
end

return timeline
