-- An open file of a node, as C's stdio has it: written data stay in its buffer until that is full, flushed or closed.
local contents <const> = require "mcast.sim.sandbox.contents"
local lines <const> = require "mcast.sim.sandbox.lines"

-- Methods of strings may be those of the node.
local find <const>, sub <const> = string.find, string.sub

local stream = {}

local BUFFER <const> = 4096

local function bad()
  return nil, "Bad file descriptor", 9
end

-- A stream over a file of a disk; the mode is that of io.open.
function stream.new(node, on, file, mode)
  return { node = node, env = node.env, disk = on, file = file, at = 0, pieces = {}, pending = 0, buffer = BUFFER,
    reads = find(mode, "[r+]") ~= nil, writes = find(mode, "[wa+]") ~= nil, appends = find(mode, "a") ~= nil }
end

-- The fields of every stream to a node's output has.
local output <const> = { __index = { writes = true, standard = true, pending = 0 } }

-- A stream to the node's output.
function stream.output(node)
  return setmetatable({ node = node, env = node.env }, output)
end

-- Files of a script that has crashed or ended are closed, though a function may still hold them.
function stream.isclosed(s)
  return s.closed or s.env ~= s.node.env
end

function stream.flush(s)
  if s.pending == 0 then
    return true
  end
  local text <const> = table.concat(s.pieces)
  s.pieces, s.pending = {}, 0
  s.node.unflushed[s] = nil
  return s.disk:write(s.node, s.file, s.appends and s.file.size or s.from, text)
end

-- The results of Lua's functions: true alone, or nil, a message and an errno.
local function result(ok, message, errno)
  if ok then
    return true
  end
  return nil, message, errno
end

function stream.sync(s)
  return result(stream.flush(s))
end

local function hold(s, text)
  local node <const> = s.node
  if s.pending == 0 then
    s.from = s.at
    node.unflushed, node.streams = node.unflushed or {}, (node.streams or 0) + 1
    node.unflushed[s] = node.streams
  end
  s.pieces[#s.pieces + 1], s.pending = text, s.pending + #text
  s.at = (s.appends and s.pending == #text and s.file.size or s.at) + #text
end

function stream.write(s, text)
  if not s.writes then
    return bad()
  elseif s.standard then
    lines.write(s.node, text)
  elseif text ~= "" then
    hold(s, text)
    if s.pending >= s.buffer or s.line and find(text, "\n", 1, true) then
      return stream.flush(s)
    end
  end
  return true
end

function stream.seek(s, whence, offset)
  local ok, message, errno = stream.flush(s)
  if not ok then
    return nil, message, errno
  elseif not s.file or s.stdin then
    return nil, "Illegal seek", 29
  end
  local at <const> = offset + (whence == "cur" and s.at or whence == "end" and s.file.size or 0)
  if at < 0 then
    return nil, "Invalid argument", 22
  end
  s.at = at
  return at
end

function stream.setbuffer(s, mode, size)
  if not s.standard then
    s.buffer, s.line = mode == "no" and 0 or size or BUFFER, mode == "line"
  end
end

function stream.close(s)
  s.closed = true
  return result(stream.flush(s))
end

-- Flushes what a script has left when it ended, in the order of its writing.
function stream.finish(node)
  local left = {}
  for s in pairs(node.unflushed or left) do
    left[#left + 1] = s
  end
  table.sort(left, function(a, b) return node.unflushed[a] < node.unflushed[b] end)
  for _, s in ipairs(left) do
    stream.flush(s)
  end
end

-- The lists of nodes of nets that are in use, in the order of their begin.
local used, begun = setmetatable({}, { __mode = "k" }), 0

-- Flushes the real files of nodes that run, as the exit of their processes does.
local function leave(list)
  used[list] = nil
  for _, node in ipairs(list.nodes) do
    if node.status == "running" and node.on.disk.real then
      stream.finish(node)
    end
  end
end

-- Has the nodes of a list leave when the net that holds the result is dropped, or the process ends.
function stream.leave_with(nodes)
  begun = begun + 1
  local list <const> = setmetatable({ nodes = nodes }, { __gc = leave })
  used[list] = begun
  return list
end

-- Calls a function in a process that ends after it without finalizers; the lists of before are another process's.
function stream.leave_after(f, ...)
  local before <const>, lists = begun, {}
  local results <const> = table.pack(f(...))
  for list, number in pairs(used) do
    lists[#lists + 1] = number > before and list or nil
  end
  table.sort(lists, function(a, b) return used[a] < used[b] end)
  for _, list in ipairs(lists) do
    leave(list)
  end
  return table.unpack(results, 1, results.n)
end

-- The streams of a script that begins.
function stream.begin(node)
  node.unflushed, node.streams, node.written = nil, nil, nil
end

--
-- Reading. Each reader returns a value, or nil, and the offset after it.
--

local readers = {}

function readers.L(data, at)
  local last <const> = find(data, "\n", at + 1, true) or #data
  return last > at and sub(data, at + 1, last) or nil, last
end

function readers.l(data, at)
  local newline <const> = find(data, "\n", at + 1, true)
  local last <const> = newline or #data
  return (newline or last > at) and sub(data, at + 1, newline and newline - 1) or nil, last
end

function readers.a(data, at)
  return sub(data, at + 1), math.max(at, #data)
end

-- A number as Lua's library reads it: the longest text that may be one.
function readers.n(data, at)
  local first <const> = find(data, "%S", at + 1) or #data + 1
  local i = first
  local function test(pattern)
    local _, last = find(data, "^" .. pattern, i)
    i = last and last + 1 or i
    return last ~= nil
  end
  test "[+-]"
  local some = test "0"
  local hexadecimal <const> = some and test "[xX]"
  local digits <const> = hexadecimal and "%x+" or "%d+"
  some = test(digits) or some and not hexadecimal
  some = test "%." and test(digits) or some
  if some and test(hexadecimal and "[pP]" or "[eE]") then
    test "[+-]"
    test "%d+"
  end
  return tonumber(sub(data, first, i - 1)), i - 1
end

local function readbytes(data, at, n)
  return at < #data and sub(data, at + 1, at + n) or nil, math.max(at, math.min(at + n, #data))
end

local function readdevice(s, format)
  if math.type(format) ~= "integer" then
    error("not enough memory", 0)
  end
  return s.file.device(format)
end

local function readone(s, format)
  if type(s.file.device) == "function" then
    return readdevice(s, format)
  end
  local data <const> = contents.text(s.file)
  local reader <const> = readers[format] or readbytes
  local value
  value, s.at = reader(data, s.at, format)
  return value
end

-- Why a stream cannot be read, as a message and an errno; nil where it can.
local function unreadable(s)
  if not s.reads then
    return select(2, bad())
  end
  local ok <const>, message, errno = stream.flush(s)
  if s.file.failure then
    return s.file.failure[1], s.file.failure[2]
  elseif not ok then
    return message, errno
  end
end

-- Reads by formats: "n", "l", "L", "a" or a number of bytes, which a function of their number returns. Returns a list of
-- results with their number n.
function stream.read(s, count, format)
  local results = { n = 0 }
  for i = 1, count do
    local form <const> = format(i)
    local message <const>, errno = unreadable(s)
    if message then
      return { n = 3, nil, message, errno }
    end
    results.n = i
    results[i] = readone(s, form)
    if results[i] == nil then
      break
    end
  end
  return results
end

return stream
