-- Delta debugging: Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", IEEE Transactions on Software
-- Engineering 28(2), 2002.

-- The list in n parts of nearly one size.
local function split(list, n)
  local parts, from = {}, 1
  for i = 1, n do
    local till <const> = #list * i // n
    parts[i] = table.move(list, from, till, 1, {})
    from = till + 1
  end
  return parts
end

-- The list without a part of it.
local function without(list, part)
  local left, skipped = {}, {}
  for _, entry in ipairs(part) do
    skipped[entry] = true
  end
  for _, entry in ipairs(list) do
    left[#left + 1] = not skipped[entry] and entry or nil
  end
  return left
end

-- Makes a list smaller until no entry of it can be left out. first(lists) returns the first of the lists that fails, with
-- its place; or nil. The list that it returns may lack further entries.
local function ddmin(list, first)
  local n = 2
  while #list > 1 do
    local parts <const> = split(list, n)
    local tried = n > 2 and table.move(parts, 1, n, 1, {}) or {}
    for _, part in ipairs(parts) do
      tried[#tried + 1] = without(list, part)
    end
    local smaller <const>, i = first(tried)
    if smaller then
      list, n = smaller, i <= #tried - n and 2 or math.max(n - 1, 2)
    elseif n == #list then
      break
    else
      n = 2 * n
    end
    n = math.min(n, math.max(#list, 1))
  end
  return list
end

return { run = ddmin, without = without }
