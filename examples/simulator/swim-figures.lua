-- SWIM's figures (Das, Gupta and Motivala, 2002): detection, load, dissemination and false detections, beside formulas.
-- usage: lua5.4 swim-figures.lua [runs]
-- The members run swim.lua, in which some rows replace a line or two. Times are in periods.
local sim <const> = require "mcast.sim"

local script <const> = assert(io.open((arg[0]:match "^.*/" or "./") .. "../protocols/swim.lua")):read "a"
local runs <const> = tonumber(arg[1] or 200)

-- A script with a text in place of another one.
local function replace(text, right, instead)
  local from <const>, to <const> = text:find(right, 1, true)
  return text:sub(1, assert(from, right) - 1) .. instead .. text:sub(to + 1)
end
local at_random <const> = replace(script, "table.remove(round)", "round[math.random(math.max(1, #round))]")
local by_chance <const> = replace(at_random, "loop:after(period, ", "loop:after(-math.log(1 - math.random()) * period, ")
local unsuspecting <const> = replace(script, '"suspected", probe.life', '"failed", probe.life')
local harmless <const> = replace(script, 'learn(probe.address, "suspected", probe.life, probe.incarnation)', 'print "silent"')

local function group(n, text, seed, output)
  local net <const> = sim.new { seed = seed, delay = 0.0001, trace = false, output = output }
  for i = 1, n do net:node("member-" .. i, load(text, "@swim.lua"), { "--own", "7000" }) end
  return net
end

local function row(name, n, formula, mean, err)
  local function number(value) return value and ("%.4f"):format(value) or "-" end
  print(("%-42s %4d %8s %8s %8s"):format(name, n, number(mean), number(err), number(formula)))
end

-- The mean of what a function returns for each seed, and its standard error.
local function average(count, sample)
  local sum, squares = 0, 0
  for seed = 1, count do
    local value <const> = sample(seed)
    sum, squares = sum + value, squares + value ^ 2
  end
  return sum / count, math.sqrt(math.max(0, squares - sum ^ 2 / count) / (count - 1) / count)
end

-- Periods from a crash, in the middle of one, to the first ping of the crashed member, which nobody answers.
local function detect(name, n, text, count, formula)
  local longest = 0
  local mean <const>, err <const> = average(count, function(seed)
    local pinged, suspected
    local net <const> = group(n, text, seed, function(_, line) suspected = suspected or line:find "^suspected" end)
    local crash <const> = 2.5 + (formula and 0 or net:random(0, n - 2))
    net:at(crash, function()
      net.nodes[1]:crash()
      net:rule(function(packet)
        if packet.receiver == "member-1" and packet.data:find "^ping" then pinged = pinged or packet.time end
      end)
    end)
    net:run_until(function() return suspected end)
    assert(net:now() - pinged - 1 < 0.01) -- a period later the first member suspects it
    longest = math.max(longest, math.ceil(pinged - crash))
    return math.ceil(pinged - crash)
  end)
  row("first ping of a crashed member, " .. name, n, formula, mean, err)
  if not formula then row("its latest time, and the bound", n, 2 * n - 1, longest) end
end

-- Datagrams that a member sends in a period, in a group without failures.
local function measure_load(n)
  local counts <const> = { ping = 0, ack = 0, join = 0 }
  local net <const> = group(n, script, 1, function() end)
  net:run(n + 0.5)
  net:rule(function(packet)
    local kind <const> = packet.data:match "^%l+"
    counts[kind] = counts[kind] + 1
  end)
  net:run(11 * n - 9.5)
  row("pings sent by a member in a period", n, 1, counts.ping / n / (10 * n - 10), 0)
  row("acks sent by a member in a period", n, 1, counts.ack / n / (10 * n - 10), 0)
end

-- Periods until all know an update, where members meet by chance: the next one learns it at the rate 2 I (n - I) / (n - 1)
-- where I members know it, by a ping or by an ack.
local function disseminate(n, count)
  local formula = 0
  for known = 1, n - 1 do formula = formula + (n - 1) / (2 * known * (n - known)) end
  row("all know an update", n, formula, average(count, function(seed)
    local known = 0
    local net <const> = group(n, by_chance, seed, function(_, line) known = known + (line:find "life 2$" and 1 or 0) end)
    net:at(9, function()
      net:node("news", function()
        assert(require "mcast".socket():sendto("news 0\nalive 2 0 10.0.0.1:7000\n", "10.0.0.2", 7000))
      end)
    end)
    net:run_until(function() return known == n end, 60)
    return net:now() - 9
  end))
end

-- Reports of living members on each other with loss, for each member and period.
local function mistake(name, text, word, loss, formula)
  local n <const>, periods <const> = 8, 50
  row(("%s, loss %g"):format(name, loss), n, formula, average(runs // 10, function(seed)
    local count, seen = 0, {}
    local net <const> = group(n, text, seed, function(_, line)
      if line:match "^%l+" == word and not seen[line] then count, seen[line] = count + 1, word == "failed" end
    end)
    net:run(10.5)
    net:set { loss = loss }
    net:run(10.5 + periods)
    return count / n / periods
  end))
end

print(("%-42s %4s %8s %8s %8s"):format("", "n", "mean", "error", "formula"))
for _, n in ipairs { 8, 32 } do
  detect("by chance", n, at_random, n < 10 and runs or runs // 2, 1 / (1 - (1 - 1 / (n - 1)) ^ (n - 1)))
  detect("in rounds", n, script, n < 10 and runs or runs // 5)
  measure_load(n)
  disseminate(n, n < 10 and runs or runs // 5)
end
for _, loss in ipairs { 0.1, 0.2 } do
  mistake("silent probes", harmless, "silent", loss, (1 - (1 - loss) ^ 2) * (1 - (1 - loss) ^ 4) ^ 3)
  mistake("false failures without suspicion", unsuspecting, "failed", loss)
  mistake("false failures with suspicion", script, "failed", loss)
end
