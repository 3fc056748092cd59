-- Files of measured latencies in the formats of the King data set (Gummadi, Saroiu and Gribble, IMW 2002): the matrix, whose
-- rows are lines of round-trip times, and the topology of p2psim, whose lines are pairs of nodes and a one-way time.
local check <const> = require "mcast.check"
local lines <const> = require "mcast.sim.lines"

local king = {}

local MICROSECOND <const> = 1e-6

local MOST <const> = 32767 -- hosts of a matrix

-- Puts the seconds of a number into a row, where it is above 0: the pair was measured.
local function put(row, column, word, unit)
  local number <const> = tonumber(word)
  row[column] = number and number > 0 and number * unit or nil
  return not number and ("number expected, got '%s'"):format(word) or nil
end

-- Reads a line of numbers as a row.
local function readrow(rows, line, unit)
  local row, column, why = {}, 0, nil
  for word in line:gmatch "%S+" do
    column = column + 1
    why = why or put(row, column, word, unit)
  end
  rows[#rows + 1] = row
  rows.columns = rows.columns or column
  return why or column ~= rows.columns and ("%d numbers expected, got %d"):format(rows.columns, column) or nil
end

-- Reads a line such as "1,2 98000"; those such as "node 1" say no more than the first line.
local function readpair(rows, line, unit)
  local i, k, word = line:match "^%s*(%d+),(%d+)%s+(%S+)%s*$"
  i, k = tonumber(i), tonumber(k)
  if not i then
    return not line:find "^%s*%l[%l_]+%s" and "pair of nodes expected, such as '1,2 98000'" or nil
  elseif not (rows[i] and rows[k]) then
    return ("nodes of 1 to %d expected"):format(#rows)
  end
  local why <const> = put(rows[i], k, word, unit)
  rows[k][i] = rows[i][k]
  return why
end

-- The rows of a file.
local function readfile(path, unit)
  local rows, read = {}, nil
  lines(path, function(line)
    if line:find "^%s*#" or not line:find "%S" then
      return nil
    elseif read then
      return read(rows, line, unit or read == readpair and MICROSECOND or MICROSECOND / 2)
    end
    local count <const> = tonumber(line:match "^%s*topology%s+%S+%s+(%d+)")
    if count and count > MOST then
      return ("at most %d nodes expected"):format(MOST)
    end
    for i = 1, count or 0 do
      rows[i] = {}
    end
    read = count and readpair or readrow
    return not count and readrow(rows, line, unit or MICROSECOND / 2) or nil
  end)
  check.expect(#rows > 0, "%s: no latencies", path)
  check.expect(#rows == (rows.columns or #rows), "%s: %d rows expected, got %d", path, rows.columns, #rows)
  return rows
end

-- The median of the latencies between two hosts that were measured.
local function median(rows)
  local known = {}
  for i, row in ipairs(rows) do
    for k = 1, #rows do
      known[#known + 1] = i ~= k and row[k] or nil
    end
  end
  table.sort(known)
  return known[#known // 2 + 1]
end

-- The latencies in a file, as rows of seconds. unit: seconds of one number, one way. Pairs that were not measured have the
-- median of the others, as in p2psim.
function king.read(path, unit)
  local rows <const> = readfile(path, unit)
  local middle
  for i, row in ipairs(rows) do
    for k = 1, #rows do
      middle = middle or i ~= k and not row[k] and median(rows) or nil
      row[k] = i == k and 0 or row[k] or middle
    end
  end
  return rows
end

return king
