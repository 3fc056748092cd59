--- Space-time diagrams of traces: a line for each node, arrows from sent to received.
--
-- A trace is any list-like object, with `#trace` and `trace[i]`, of the events that `mcast.sim.trace` describes; the
-- simulator's `net.trace` is one. What is written depends on the trace and the options and on nothing else.
-- @module mcast.timeline
local checkoptions <const> = require "mcast.check".options
local progress <const> = require "mcast.progress"
local rows <const> = require "mcast.timeline.rows"
local still <const> = require "mcast.timeline.still"

local timeline = {}

local parts <const> = { "model", "draw", "view", "app" }

local function check_trace(trace, argument)
  local kind = type(trace)
  if kind ~= "table" and kind ~= "userdata" then
    error(("bad argument #%d (a trace expected, got %s)"):format(argument, kind), 3)
  end
end

-- A file whose first failed write is remembered, as of a full disk.
local function output(path)
  local file, message, errno = io.open(path, "wb")
  if not file then
    return nil, message, errno
  end
  local failed
  local function put(...)
    local ok, why, code = file:write(...)
    if not ok and not failed then
      failed = { why, code }
    end
  end
  local function close()
    local ok, why, code = file:close()
    if failed then
      why, code = failed[1], failed[2]
    elseif ok then
      return true
    end
    return nil, ("%s: %s"):format(path, why), code
  end
  return put, close
end

local function head(put)
  put('<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>mcast</title>\n',
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>\n', require "mcast.timeline.style",
    '</style></head><body><noscript>This page draws by a script.</noscript>\n<script>')
  for _, part in ipairs(parts) do
    put((require("mcast.timeline." .. part)))
  end
  put "</script>\n"
end

-- The rows of a trace, in scripts of a thousand events, so that a page is read as it
-- comes. What is said of datagrams that are cut.
local function body(put, number, trace, options)
  local total, bytes = #trace, options.bytes or 256
  local writer = rows.writer(put, bytes)
  local tell <const> = progress.new "timeline"
  put(("<script>mcast.rows(%d,[\n"):format(number))
  for i = 1, total do
    writer:event(trace[i])
    if i % 1000 == 0 and i < total then
      tell(i / total)
      put(("]);</script>\n<script>mcast.rows(%d,[\n"):format(number))
    end
  end
  tell(nil)
  put "]);</script>\n"
  return writer.cut == 0 and "" or ("the bytes after the first %d of %d datagram%s"):format(bytes, writer.cut,
    writer.cut == 1 and "" or "s")
end

local write_options <const> = { title = true, bytes = true }

--- Writes a diagram as one HTML file, to zoom, pan and filter, that needs no network.
-- @param trace
-- @tparam string path
-- @tparam ?table options `title`: text ("Timeline"); `bytes`: how many of a datagram are kept (256)
-- @return true; or nil, a message and an errno
-- @usage assert(timeline.write(net.trace, "run.html", { title = "A run" }))
function timeline.write(trace, path, options)
  check_trace(trace, 1)
  options = checkoptions(options, write_options)
  local put, close, errno = output(path)
  if not put then
    return nil, close, errno
  end
  head(put)
  local cut = body(put, 0, trace, options)
  put(("<script>mcast.open({titles:[\"\"],title:%s,cut:[%s]});</script></body></html>\n"):format(
    rows.unicode(options.title or "Timeline"), rows.quote(cut)))
  return close()
end

-- A row of each event, without the number of its datagram.
local function canonical(event, ignore)
  if not event then
    return nil
  end
  local keys, list = {}, {}
  for key in pairs(event) do
    if key ~= "packet" and not ignore[key] then
      keys[#keys + 1] = key
    end
  end
  table.sort(keys)
  for i, key in ipairs(keys) do
    list[i] = key .. "=" .. rows.literal(event[key])
  end
  return table.concat(list, " ")
end

--- Finds the first event in which two traces differ.
-- @param first a trace
-- @param second a trace
-- @tparam ?{string,...} ignore fields that are not looked at; the number of a datagram, `packet`, never is
-- @treturn ?integer its number, or nil where the traces are the same
-- @usage local i = timeline.difference(one.trace, two.trace, { "time" })
function timeline.difference(first, second, ignore)
  local without = {}
  for _, key in ipairs(ignore or {}) do
    without[key] = true
  end
  for i = 1, math.max(#first, #second) do
    if canonical(first[i], without) ~= canonical(second[i], without) then
      return i
    end
  end
end

local function brief(event)
  if not event then
    return "it has ended"
  end
  local what = event.text or event.data and ('"%s"'):format(event.data:sub(1, 40)) or event.group
    or event.key and ("%s = %s"):format(event.key, tostring(event.value)) or ""
  return ("%.9f s, %s %s %s"):format(event.time, event.node or "", event.kind, what)
end

local function found(first, second, i, titles)
  if not i then
    return ("The runs are the same: %d events."):format(#first)
  end
  return ("The first %d events are the same. Then, in %s: %s; in %s: %s."):format(i - 1, titles[1], brief(first[i]),
    titles[2], brief(second[i]))
end

local compare_options <const> = { title = true, titles = true, bytes = true, ignore = true }

--- Writes two runs side by side in one HTML file, with the first event in which they differ found and shown.
-- @param first a trace
-- @param second a trace
-- @tparam string path
-- @tparam ?table options `title`, `bytes`: as for `write`; `titles`: two texts, for the runs; `ignore`: list of fields that
-- do not make a difference, such as "time"
-- @return true, and the number of that event, nil where the runs are the same; or nil, a message and an errno
-- @usage local ok, i = assert(timeline.compare(one.trace, two.trace, "two.html", { titles = { "seed 1", "seed 2" } }))
function timeline.compare(first, second, path, options)
  check_trace(first, 1)
  check_trace(second, 2)
  options = checkoptions(options, compare_options)
  local titles = options.titles or { "first run", "second run" }
  local put, close, errno = output(path)
  if not put then
    return nil, close, errno
  end
  head(put)
  local cut = rows.quote(body(put, 0, first, options)) .. "," .. rows.quote(body(put, 1, second, options))
  local i = timeline.difference(first, second, options.ignore)
  put(("<script>mcast.open({titles:[%s,%s],title:%s,cut:[%s],found:%s%s});</script></body></html>\n"):format(
    rows.unicode(titles[1]), rows.unicode(titles[2]), rows.unicode(options.title or "Two runs"), cut,
    rows.quote(found(first, second, i, titles)), i and (",difference:%d"):format(i - 1) or ""))
  local ok, message
  ok, message, errno = close()
  if not ok then
    return nil, message, errno
  end
  return true, i
end

local svg_options <const> = { title = true, width = true, from = true, till = true, arrows = true, state = true }

--- Writes a diagram as a still SVG, for papers and READMEs.
-- @param trace
-- @tparam string path
-- @tparam ?table options `title`; `width`: pixels (960); `from`, `till`: seconds (all); `arrows`: how many are drawn at
-- the most (1,000; what is left out is said in the picture); `state`: the key of the notes that colour lines (the first)
-- @return true; or nil, a message and an errno
-- @usage assert(timeline.svg(net.trace, "run.svg", { width = 720, till = 0.3 }))
function timeline.svg(trace, path, options)
  check_trace(trace, 1)
  options = checkoptions(options, svg_options)
  local put, close, errno = output(path)
  if not put then
    return nil, close, errno
  end
  still.draw(trace, put, options)
  return close()
end

return timeline
