--- Space-time diagrams of traces: a line for each node, and an arrow for each copy from its sender to its receiver.
--
-- A trace is any list-like object, with `#trace` and `trace[i]`, of the events that `mcast.sim.trace` describes, such as the
-- simulator's `net.trace`. The files depend on the trace and the options alone.
-- @module mcast.timeline
local check <const> = require "mcast.check"
local describe <const> = require "mcast.describe"
local locale <const> = require "mcast.locale"
local look <const> = require "mcast.timeline.look"
local progress <const> = require "mcast.progress"
local rows <const> = require "mcast.timeline.rows"
local still <const> = require "mcast.timeline.still"

local timeline = {}

local a_trace <const> = check.kind("trace", function(value)
  return type(value) == "table" or type(value) == "userdata"
end)

-- Opens a file: a function that writes, and one that closes and reports the first failed write, such as on a full disk.
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
    '</style></head><body><noscript>This page needs JavaScript.</noscript>\n<script>', look.script(),
    require "mcast.timeline.page".script, "</script>\n")
end

-- Writes the rows of a trace, in scripts of a thousand events, so that a browser can read the page while it loads. Returns
-- the note about datagrams that are cut.
local function body(put, number, trace, options)
  local total, bytes = #trace, options.bytes or 256
  local writer = rows.writer(put, bytes, options.describe)
  local report_progress <const> = progress.new "timeline"
  put(("<script>mcast.rows(%d,[\n"):format(number))
  writer:nodes(options.nodes or {})
  for i = 1, total do
    writer:event(trace[i])
    if i % 1000 == 0 and i < total then
      report_progress(i / total)
      put(("]);</script>\n<script>mcast.rows(%d,[\n"):format(number))
    end
  end
  report_progress(nil)
  put "]);</script>\n"
  return writer.cut == 0 and "" or ("the bytes after the first %d of %d datagram%s"):format(bytes, writer.cut,
    writer.cut == 1 and "" or "s")
end

local bytes <const> = check.integer(0, math.maxinteger)
local write_options <const> = { title = check.text, bytes = bytes, from = check.seconds, till = check.seconds,
  nodes = check.list, describe = check.callable }

-- The span at which the page opens: from and till, else the beginning and the end; nil without both.
local function span(trace, options)
  if #trace > 0 and (options.from or options.till) then
    return (",span:[%d,%d]"):format(rows.nanoseconds(options.from or trace[1].time),
      rows.nanoseconds(options.till or trace[#trace].time))
  end
  return ""
end

--- Writes a diagram as one HTML file, in which one can zoom, pan and filter. It needs no network.
-- @param trace list of events
-- @tparam string path
-- @tparam[opt] table options
-- @tparam[opt="Timeline"] string options.title
-- @tparam[opt=256] integer options.bytes bytes kept of each datagram, 0 or more
-- @tparam[opt] number options.from seconds, where the page's view begins when it opens
-- @tparam[opt] number options.till seconds, where it ends then
-- @tparam[opt] function options.describe words a datagram, as that of `svg`
-- @tparam[opt] {string,...} options.nodes names of nodes in the order of their lines; default, and after these: by first event
-- @return true; or nil, a message and an errno
-- @usage assert(timeline.write(net.trace, "run.html", { title = "A run" }))
function timeline.write(trace, path, options)
  check.argument(1, "write", trace, a_trace)
  check.argument(2, "write", path, check.text)
  options = check.options(options, write_options)
  local _ <close> = locale.plain()
  local put, close, errno = output(path)
  if not put then
    return nil, close, errno
  end
  head(put)
  local cut = body(put, 0, trace, options)
  put(("<script>mcast.open({titles:[\"\"],title:%s,cut:[%s]%s});</script></body></html>\n"):format(
    rows.unicode(options.title or "Timeline"), rows.quote(cut), span(trace, options)))
  return close()
end

-- An event as text, without the number of its datagram and the fields to ignore.
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
-- @param first list of events
-- @param second list of events
-- @tparam[opt] {string,...} ignore fields that are not compared; the number of a datagram, `packet`, never is
-- @treturn ?integer number of the event, or nil where the traces are the same
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

-- A datagram in words, or its number of bytes.
local function quoted(data, words)
  local text <const> = words(data)
  return text ~= "" and ('"%s"'):format(text) or ("(%d bytes)"):format(#data)
end

local function brief(event, words)
  if not event then
    return "no further event"
  end
  local content = event.text or event.data and quoted(event.data, words) or event.group
    or event.key and ("%s = %s"):format(event.key, tostring(event.value))
  local list <const> = {}
  for _, word in ipairs { event.node or false, event.kind, content or false } do
    list[#list + 1] = word or nil
  end
  return ("%.9f s, %s"):format(event.time, table.concat(list, " "))
end

local function found(first, second, i, titles, words)
  if not i then
    return ("The runs are the same: %d events."):format(#first)
  end
  return ("The first %d events are the same. Then, in %s: %s; in %s: %s."):format(i - 1, titles[1],
    brief(first[i], words), titles[2], brief(second[i], words))
end

local two_titles <const> = check.kind("list of two strings", function(value)
  return type(value) == "table" and type(value[1]) == "string" and type(value[2]) == "string"
end)
local compare_options <const> = { title = check.text, titles = two_titles, bytes = bytes, ignore = check.list,
  describe = check.callable }

--- Writes two runs side by side as one HTML file, which opens at the first event in which they differ.
-- @param first list of events
-- @param second list of events
-- @tparam string path
-- @tparam[opt] table options
-- @tparam[opt="Two runs"] string options.title
-- @tparam[opt] {string,string} options.titles of the runs; default `{ "first run", "second run" }`
-- @tparam[opt=256] integer options.bytes bytes kept of each datagram, 0 or more
-- @tparam[opt] function options.describe words a datagram, as that of `svg`
-- @tparam[opt] {string,...} options.ignore fields that are not compared, such as "time"
-- @return true, and the number of that event, nil where the runs are the same; or nil, a message and an errno
-- @usage local ok, i = assert(timeline.compare(one.trace, two.trace, "two.html", { titles = { "seed 1", "seed 2" } }))
function timeline.compare(first, second, path, options)
  check.argument(1, "compare", first, a_trace)
  check.argument(2, "compare", second, a_trace)
  check.argument(3, "compare", path, check.text)
  options = check.options(options, compare_options)
  local _ <close> = locale.plain()
  local titles = options.titles or { "first run", "second run" }
  local put, close, errno = output(path)
  if not put then
    return nil, close, errno
  end
  head(put)
  local cut = rows.quote(body(put, 0, first, options)) .. "," .. rows.quote(body(put, 1, second, options))
  local i = timeline.difference(first, second, options.ignore)
  local difference <const> = found(first, second, i, titles, describe.checked(options.describe))
  put(("<script>mcast.open({titles:[%s,%s],title:%s,cut:[%s],found:%s%s});</script></body></html>\n"):format(
    rows.unicode(titles[1]), rows.unicode(titles[2]), rows.unicode(options.title or "Two runs"), cut,
    rows.quote(difference), i and (",difference:%d"):format(i - 1) or ""))
  local ok, message
  ok, message, errno = close()
  if not ok then
    return nil, message, errno
  end
  return true, i
end

local svg_options <const> = { title = check.text, width = check.integer(200, 100000), letters = check.integer(6, 100),
  describe = check.callable, from = check.seconds, till = check.seconds,
  arrows = check.integer(0, math.maxinteger), state = true, nodes = check.list }

--- Writes a still picture of a diagram as SVG, for papers and READMEs. The picture states how much it leaves out.
-- @param trace list of events
-- @tparam string path
-- @tparam[opt] table options
-- @tparam[opt] string options.title default: none
-- @tparam[opt=960] integer options.width pixels, 200 to 100000
-- @tparam[opt=11] integer options.letters height of letters in pixels, 6 to 100; all else grows with them, and fewer labels
-- have room. Pictures that a phone shows in half of their width need 17 or more
-- @tparam[opt] function options.describe words a datagram: its bytes to a text, which stands at its arrow where there is room,
-- and a kind, whose colour the arrow has (`mcast.describe`); default: `mcast.describe.text`, without kinds
-- @tparam[opt] number options.from seconds, where the picture begins
-- @tparam[opt] number options.till seconds, where it ends; without both the picture is of the whole trace, or of the span
-- of datagrams and notes where that is less than half of the trace
-- @tparam[opt=1000] integer options.arrows arrows drawn at most, and marks
-- @tparam[opt] {string,...} options.nodes names of nodes in the order of their lines; default, and after these: by first event
-- @tparam[opt] string options.state key of the notes that colour lines; default: the first key of the trace
-- @return true; or nil, a message and an errno
-- @usage assert(timeline.svg(net.trace, "run.svg", { width = 720, till = 0.3 }))
function timeline.svg(trace, path, options)
  check.argument(1, "svg", trace, a_trace)
  check.argument(2, "svg", path, check.text)
  options = check.options(options, svg_options)
  local _ <close> = locale.plain()
  local put, close, errno = output(path)
  if not put then
    return nil, close, errno
  end
  still.draw(trace, put, describe.checked(options.describe), options)
  return close()
end

return timeline
