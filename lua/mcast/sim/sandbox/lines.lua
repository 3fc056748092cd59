-- The output of a script: each line is an event of the trace and a call of the net's output function. Methods of strings may
-- be those of the node.
local find <const>, sub <const>, concat <const> = string.find, string.sub, table.concat

local lines = {}

-- At the begin of a script. `pieces` is the text after the last newline, `complete` a queue of lines: both are nil before
-- something is in them.
function lines.reset(node)
  node.pieces, node.complete = nil, nil
end

local function record(node, line)
  node.net.core:record(node.id, { kind = "log", text = line })
end

-- Each piece is longer than the next one, so a text is copied once for each doubling of its length.
local function add(node, text)
  local pieces <const> = node.pieces or {}
  local n = #pieces + 1
  while n > 1 and #pieces[n - 1] <= #text do
    n = n - 1
    text, pieces[n] = pieces[n] .. text, nil
  end
  pieces[n], node.pieces = text, pieces
end

local function complete_line(node)
  local queue <const> = node.complete or { first = 1, last = 0 }
  queue.last = queue.last + 1
  queue[queue.last] = concat(node.pieces)
  node.pieces, node.complete = nil, queue
end

-- The next complete line, which is then no more in the queue: an output function may raise, or start the node again.
local function next_line(node)
  local queue <const> = node.complete
  if not queue then
    return nil
  end
  local first <const> = queue.first
  local line <const> = queue[first]
  queue[first], queue.first = nil, first + 1
  if first == queue.last then
    node.complete = nil
  end
  return line
end

-- Adds text to a node's output.
function lines.write(node, text)
  local from, at = 1, find(text, "\n", 1, true)
  while at do
    add(node, sub(text, from, at - 1))
    complete_line(node)
    from = at + 1
    at = find(text, "\n", from, true)
  end
  if from <= #text then
    add(node, sub(text, from))
  end
  for line in next_line, node do
    record(node, line)
    node.net.core:outside(node.net.output, node, line)
  end
end

-- Ends a node's output, whose last line may lack its newline; the event is recorded before the node's end.
function lines.finish(node, ending)
  if node.pieces then
    complete_line(node)
  end
  local queue <const> = node.complete
  for i = queue and queue.first or 1, queue and queue.last or 0 do
    record(node, queue[i])
  end
  node.net.core:record(node.id, ending)
  for line in next_line, node do
    node.net.core:outside(node.net.output, node, line)
  end
end

return lines
