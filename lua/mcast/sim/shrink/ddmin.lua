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

-- Functions that return the lists to try: the parts of a list, if there are more than two, then the list without each part.
local function attempts(list, n)
  local parts <const>, functions = split(list, n), {}
  for i, part in ipairs(n > 2 and parts or {}) do
    functions[i] = function() return part end
  end
  for _, part in ipairs(parts) do
    functions[#functions + 1] = function() return without(list, part) end
  end
  return functions
end

-- Makes a list smaller until no entry of it can be left out. first(functions) returns the first of the lists that fails, with
-- its place; or nil. The list that it returns may lack further entries.
local function ddmin(list, first)
  local n = 2
  while #list > 1 do
    local tried <const> = attempts(list, n)
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
