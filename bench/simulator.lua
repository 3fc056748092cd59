-- Sections that measure the simulator, by name: a section prints a table.
local compare <const> = require "compare"

local few <const>, measure <const>, show <const>, map <const> = compare.few, compare.measure, compare.show, compare.map
local head <const>, row <const> = compare.head, compare.row

local sections = {}

-- Where the pages of a program are in memory is luck, and makes ns-3 slower by a third in some
-- runs: each run has a copy of its own.
local function run_copy(command)
  return function(round)
    assert(os.execute "cp build/bench/ns3 build/bench/ns3.copy")
    return compare.run(command, round)
  end
end

-- While a net runs, Linux counts processor time by ticks: the simulator does more.
local programs <const> = {
  { "simulator", compare.lua .. " bench/simulator/deliveries.lua %d %d", share = 2 },
  { "simulator with its trace", compare.lua .. " bench/simulator/deliveries.lua %d %d traced", share = 2 },
  { "ns-3, bare devices", "build/bench/ns3.copy device %d %d", needs = "build/bench/ns3" },
  { "ns-3, UDP sockets", "build/bench/ns3.copy udp %d %d", needs = "build/bench/ns3", share = 0.2 },
  { "Python, `heapq` and generators", "python3 bench/simulator/generators.py %d %d", needs = "python3" },
  { "Lua, a heap and coroutines", compare.lua .. " bench/simulator/heap.lua %d %d" },
}

local nodes <const> = compare.trial and { 10 } or { 10, 100, 1000, 10000 }

function sections.deliveries()
  local here <const>, all <const> = {}, {}
  for _, program in ipairs(programs) do
    if not program.needs or compare.has(program.needs) then
      here[#here + 1] = program
    end
  end
  for k, n in ipairs(nodes) do
    local commands <const> = {}
    for i, program in ipairs(here) do
      local sends <const> = few(400000, 20000) * (program.share or 1) // n
      local command <const> = program[2]:format(n, math.max(sends, 1))
      commands[i] = program.needs == "build/bench/ns3" and run_copy(command) or command
    end
    all[k] = measure(commands)
  end
  head("Deliveries of 64 bytes from one sender to n receivers, on one core.", "ns a delivery, n = 10 / 100 / 1,000 / 10,000",
    "median", "least to most", "ratio to the simulator")
  for i, program in ipairs(here) do
    local shown <const>, spreads <const>, times <const> = {}, {}, {}
    for k in ipairs(nodes) do
      shown[k], spreads[k] = show("%.0f", all[k][i].delivery)
      times[k] = show("%.2f", compare.ratios(all[k][i].delivery, all[k][1].delivery))
    end
    row(program[1], table.concat(shown, " / "), table.concat(spreads, " / "), table.concat(times, " / "))
  end
end

local queues <const> = { { "4-ary heap", "heap" }, { "calendar (Brown, 1988)", "calendar" },
  { "ladder (Tang et al., 2005)", "ladder" }, { "radix, bits (Ahuja et al., 1990)", "radix" },
  { "radix, digits of 6 bits: the simulator's", "digits" } }
local sequences <const> = { "near", "exponential", "timers", "storm", "once" }

function sections.queue()
  local sizes <const> = compare.trial and { 10 } or { 100, 1000, 10000, 100000 }
  local all <const> = {}
  for k, n in ipairs(sizes) do
    all[k] = measure(map(queues, function(queue)
      return ("build/bench/queues %s %d %d"):format(queue[2], n, few(400000, 1000))
    end), math.min(compare.rounds, 3))
  end
  head("Queues of events, alone.", "ns of a push and a pop, n = 100 / 1,000 / 10,000 / 100,000", "1 to 4 ms, uniform",
    "1 ms and more, exponential", "timers of 2 s, some near", "a storm in 0.1 s", "all at one time")
  for i, queue in ipairs(queues) do
    row(queue[1], table.unpack(map(sequences, function(sequence)
      return table.concat(map(all, function(of)
        return of[i][sequence] and (show("%.0f", of[i][sequence])) or "-"
      end), " / ")
    end)))
  end
end

-- Start, memory and end of nodes that wait.
function sections.nodes()
  head("Nodes of examples/receiver.lua that wait, and the end of as many that wait for five seconds.", "nodes",
    "seconds to start", "KB a node", "seconds to end", "start, least to most", "end, least to most")
  for _, n in ipairs { 10000, 100000 } do
    local worker <const> = ("%s bench/simulator/idle.lua %d"):format(compare.lua, few(n))
    local all <const> = measure({ worker, worker .. " ends" }, n == 100000 and math.min(compare.rounds, 3))
    local start <const>, start_spread <const> = show("%.3f", all[1].start)
    local finish <const>, finish_spread <const> = show("%.3f", all[2].finish)
    local bytes <const> = show("%.1f", map(all[1].bytes, function(bytes) return bytes / few(n) / 1e3 end))
    row(n, start, bytes, finish, start_spread, finish_spread)
  end
end

local kinds <const> = { { "arithmetic", "arithmetic" }, { "format", "`string.format`" }, { "match", "`string.match`" },
  { "pack", "`string.pack` and `unpack`" }, { "tostring", "`tostring`" }, { "concat", "`..` and `table.concat`" },
  { "pairs", "tables and `pairs`" }, { "sort", "`table.sort`" } }

function sections.scripts()
  local figures <const> = measure({ ("%s bench/simulator/scripts.lua %d"):format(compare.lua, few(60, 20)) })[1]
  head("The time of a script in a node beside that of the same script in plain Lua.", "ratio to plain Lua", "in a node",
    "least to most")
  for _, kind in ipairs(kinds) do
    row(kind[2], show("%.2f", figures[kind[1]]))
  end
end

return sections
