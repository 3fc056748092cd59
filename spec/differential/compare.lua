-- Runs programs on both networks, and shrinks those whose results differ. Each program has a process of its own, so that
-- one that does not end is ended, and named by its seed.
local differences <const> = require "spec.differential.differences"
local mcast <const> = require "mcast"
local program <const> = require "spec.differential.program"
local real <const> = require "spec.differential.real"
local simulated <const> = require "spec.differential.simulated"
local workers <const> = require "mcast.sim.worker"

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
  for k = 1, #lines do lines = simplify(lines, hosts, k) end
  return lines
end

-- The lines of a program with their results, side by side where they differ.
local function word(lines, hosts, one, other)
  local texts <const> = {}
  for k, line in ipairs(lines) do
    texts[#texts + 1] = ("  %s%s"):format(hosts > 1 and line.host .. ": " or "", line.text)
    if one then
      local same <const> = one[k] == other[k]
      texts[#texts + 1] = (same and "    both       %s" or "    real       %s\n    simulated  %s"):format(one[k], other[k])
    end
  end
  return table.concat(texts, "\n")
end

-- Calls a function in a copy of this process that is ended after some seconds; returns its text, or the error's.
local function bound(seconds, call)
  local function report()
    local _, text <const> = pcall(call)
    return tostring(text)
  end
  local worker <const> = assert(workers.start(report, seconds))
  local pieces <const> = {}
  for piece in worker.read, worker do pieces[#pieces + 1] = piece end
  local how <const>, status <const> = worker:close()
  if how == "timeout" then return ("it did not end within %g s"):format(seconds) end
  return status == 0 and table.concat(pieces) or ("its process ended with %s %d"):format(how, status)
end

-- Compares a program, within some seconds; returns nil, or the text to report.
function compare.check(lines, hosts, seconds)
  real.start(hosts)
  local text = bound(seconds, function() return differs(lines, hosts) and differs(lines, hosts) and "differs" or "same" end)
  if text == "same" then return nil end
  if text == "differs" then
    text = bound(10 * seconds, function()
      local short <const> = shrink(lines, hosts)
      return word(short, hosts, compare.program(short, hosts))
    end)
  end
  if text:find "^  " then return text end
  real.stop()
  return text .. "\n" .. word(lines, hosts)
end

-- Runs programs for a time; returns how many, and how many differed or did not end.
function compare.run(options)
  local deadline <const> = mcast.now() + options.seconds
  local count, different = 0, 0
  while mcast.now() < deadline and count < options.programs do
    local seed <const> = options.first + count
    local hosts <const> = seed % 4 == 3 and 3 or 1
    count = count + 1
    local text <const> = compare.check(program.new(seed, hosts), hosts, options.bound)
    if text then
      different = different + 1
      if different <= options.shown then
        options.write(("seed %d, %d host%s\n%s"):format(seed, hosts, hosts > 1 and "s" or "", text))
      end
    end
  end
  return count, different
end

return compare
