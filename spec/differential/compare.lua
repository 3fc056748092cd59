-- Runs programs on both networks, and shrinks those whose results differ.
local differences <const> = require "spec.differential.differences"
local mcast <const> = require "mcast"
local program <const> = require "spec.differential.program"
local real <const> = require "spec.differential.real"
local simulated <const> = require "spec.differential.simulated"

local compare = {}

-- The results on both networks; the number of the first line that differs, or nil.
function compare.program(lines, hosts)
  local one <const> = differences.apply(lines, real.run(lines, hosts))
  local other <const> = differences.apply(lines, simulated.run(lines, hosts))
  for k = 1, #lines do
    if one[k] ~= other[k] then return one, other, k end
  end
  return one, other, nil
end

local function without(lines, k)
  local rest <const> = table.move(lines, 1, #lines, 1, {})
  table.remove(rest, k)
  return rest
end

local function differs(lines, hosts)
  local _, _, at <const> = compare.program(lines, hosts)
  return at
end

-- Removes options from the braces of a line, one by one, while the results still differ.
local function simplify(lines, hosts, k)
  local from = 1
  while true do
    local text <const> = lines[k].text
    local first <const>, last <const> = text:find("%l[%w_]* = [^,{}]+,? ?", from)
    if not first or not text:find "{" then return lines end
    local try <const> = table.move(lines, 1, #lines, 1, {})
    try[k] = { host = lines[k].host, text = text:sub(1, first - 1) .. text:sub(last + 1) }
    if load("return " .. try[k].text) and differs(try, hosts) then
      lines = try
    else
      from = last + 1
    end
  end
end

-- The shortest program found that still differs.
local function shrink(lines, hosts)
  local at <const> = differs(lines, hosts)
  if not at then return lines end
  lines = table.move(lines, 1, at, 1, {})
  local changed = true
  while changed do
    changed = false
    for k = #lines, 1, -1 do
      local try <const> = without(lines, k)
      if #try > 0 and differs(try, hosts) then lines, changed = try, true end
    end
  end
  for k = 1, #lines do
    if not lines[k].text:find "function%(%) local s" or true then lines = simplify(lines, hosts, k) end
  end
  return lines
end

local function show(write, seed, lines, hosts)
  lines = shrink(lines, hosts)
  local one <const>, other <const> = compare.program(lines, hosts)
  write(("seed %d, %d host%s"):format(seed, hosts, hosts > 1 and "s" or ""))
  for k, line in ipairs(lines) do
    local same <const> = one[k] == other[k]
    write(("  %s%s"):format(hosts > 1 and line.host .. ": " or "", line.text))
    write((same and "    both       %s" or "    real       %s\n    simulated  %s"):format(one[k], other[k]))
  end
end

-- Runs programs for a time; returns how many, and how many differed.
function compare.run(options)
  local deadline <const> = mcast.now() + options.seconds
  local count, different = 0, 0
  while mcast.now() < deadline and count < options.programs do
    local seed <const> = options.first + count
    local hosts <const> = seed % 4 == 3 and 3 or 1
    local lines <const> = program.new(seed, hosts)
    count = count + 1
    if differs(lines, hosts) and differs(lines, hosts) then
      different = different + 1
      if different <= options.shown then show(options.write, seed, lines, hosts) end
    end
  end
  return count, different
end

return compare
