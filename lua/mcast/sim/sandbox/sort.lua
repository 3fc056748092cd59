-- table.sort of nodes: by the steps of Lua's own, so that a list's metamethods and an order function see the same calls. It is
-- in Lua, so that these can wait, and where Lua's draws a pivot from the clock, it does not. Lists of one type that need
-- neither are sorted by Lua's own, which the core calls; it adds a level to the stack.
local arguments <const> = require "mcast.sim.sandbox.arguments"
local callbacks <const> = require "mcast.sim.sandbox.callbacks"
local core <const> = require "mcast.sim.core"

-- Methods of strings may be those of the node.
local format <const> = string.format

local UNBALANCED <const> = 128

local function swap(list, i, j, a, b)
  list[i] = b
  list[j] = a
end

-- Puts the least of the first, the last and the middle one first, and the greatest last.
local function order_three(list, low, middle, high, before)
  local pivot <const>, least = list[middle], list[low]
  if before(pivot, least) then
    swap(list, middle, low, pivot, least)
    return
  end
  local most <const> = list[high]
  if before(most, pivot) then
    swap(list, middle, high, pivot, most)
  end
end

-- Moves the items that belong before the pivot there, and returns its place. The pivot is the last but one.
local function partition(list, low, high, pivot, before, depth)
  local i, j = low, high - 1
  while true do
    local left, right
    repeat
      i = i + 1
      left = list[i]
      local less <const> = before(left, pivot)
      if less and i == high - 1 then
        error("invalid order function for sorting", depth + 2)
      end
    until not less
    repeat
      j = j - 1
      right = list[j]
      local more <const> = before(pivot, right)
      if more and j < i then
        error("invalid order function for sorting", depth + 2)
      end
    until not more
    if j < i then
      swap(list, high - 1, i, pivot, left)
      return i
    end
    swap(list, i, j, left, right)
  end
end

local function choose_middle(low, high, unbalanced)
  local quarter <const> = (high - low) // 4
  if not unbalanced or high - low < 100 then
    return (low + high) // 2
  end
  return low + quarter + 2654435761 * (high - low) % (2 * quarter)
end

local function sort_range(list, low, high, before, depth)
  local unbalanced = false
  while low < high do
    local first <const>, last = list[low], list[high]
    if before(last, first) then
      swap(list, low, high, first, last)
    end
    if high - low == 1 then
      return
    end
    local middle <const> = choose_middle(low, high, unbalanced)
    order_three(list, low, middle, high, before)
    if high - low == 2 then
      return
    end
    local pivot <const> = list[middle]
    swap(list, middle, high - 1, pivot, list[high - 1])
    local place <const> = partition(list, low, high, pivot, before, depth)
    local smaller
    if place - low < high - place then
      sort_range(list, low, place - 1, before, depth + 1)
      low, smaller = place + 1, place - low
    else
      sort_range(list, place + 1, high, before, depth + 1)
      high, smaller = place - 1, high - place
    end
    unbalanced = unbalanced or (high - low) // UNBALANCED > smaller
  end
end

local function typename(value)
  local metatable <const> = debug.getmetatable(value)
  local name <const> = metatable and type(value) ~= "string" and rawget(metatable, "__name")
  return type(name) == "string" and name or type(value)
end

local function hasless(value)
  local metatable <const> = debug.getmetatable(value)
  return metatable and rawget(metatable, "__lt") ~= nil
end

-- Its error is that of C, without a line.
local function less(a, b)
  local one, other = type(a), type(b)
  if one == other and (one == "number" or one == "string") or hasless(a) or hasless(b) then
    return a < b
  end
  one, other = typename(a), typename(b)
  error(one == other and format("attempt to compare two %s values", one)
    or format("attempt to compare %s with %s", one, other), 0)
end

local function sort(list, before)
  arguments.list(list, 1, "table.sort")
  local n <const> = #list
  if n > 1 then
    if n >= 2 ^ 31 - 1 then
      arguments.raise(1, "table.sort", "array too big", 2)
    elseif before ~= nil and type(before) ~= "function" then
      arguments.raise(2, "table.sort", format("function expected, got %s", arguments.typename(before)), 2)
    end
    callbacks.enter()
    sort_range(list, 1, n, before or less, 3)
    callbacks.leave()
  end
end

return core.sort(table.sort, callbacks.add(sort))
