-- Sections that measure sockets, by name: a section prints a table.
local compare <const> = require "compare"

local few <const>, measure <const>, median <const> = compare.few, compare.measure, compare.median
local ratios <const>, show <const>, map <const> = compare.ratios, compare.show, compare.map
local head <const>, row <const> = compare.head, compare.row

local programs <const> = { C = "build/bench/floor", mcast = compare.lua .. " bench/sockets/with_mcast.lua" }
if package.searchpath("socket.core", package.cpath) then
  programs.LuaSocket = compare.lua .. " bench/sockets/with_luasocket.lua"
end
if package.searchpath("luv", package.cpath) then
  programs.luv = compare.lua .. " bench/sockets/with_luv.lua"
end
if compare.has "python3" then
  programs.Python = "python3 bench/sockets/with_python.py"
end

-- The items of a list whose programs are here.
local function present(list)
  local here <const> = {}
  for _, item in ipairs(list) do
    if programs[item.program] and (not item.beside or programs[item.beside]) then
      here[#here + 1] = item
    end
  end
  return here
end

local function command(program, case, size, count, extra)
  return ("%s %s %d %d %s"):format(programs[program], case, size, few(count), extra or "")
end

local sections = {}

local sizes <const> = compare.trial and { 64 } or { 64, 1200, 8192 }

-- Each is beside the last one before it that has no ratio.
local transfers <const> = {
  { "C, `sendto` and `recvfrom`, ns", program = "C", case = "lone", base = true },
  { "mcast, `sendto` and `recvfrom`", program = "mcast", case = "lone" },
  { "mcast, `sendto` and `datagrams`", program = "mcast", case = "iterate" },
  { "LuaSocket", program = "LuaSocket", case = "lone" },
  { "luv", program = "luv", case = "lone" },
  { "Python", program = "Python", case = "lone" },
  { "C, 64 in a row, ns", program = "C", case = "burst", base = true },
  { "C, 64 by offload", program = "C", case = "train" },
  { "mcast, `sendmany` of 64 and `recvfrom`", program = "mcast", case = "burst" },
  { "mcast, `sendmany` of 64 and `recvmany`", program = "mcast", case = "burst_many" },
  { "mcast, `sendmany` of 64, to LuaSocket", program = "mcast", case = "plain", beside = "LuaSocket" },
  { "LuaSocket, 64 in a row", program = "LuaSocket", case = "burst" },
  { "luv, 64 in a row", program = "luv", case = "burst" },
  { "Python, 64 in a row", program = "Python", case = "burst" },
  { "C, `recvmsg`, ns", program = "C", case = "message", base = true },
  { "mcast, `recvmsg` into a table", program = "mcast", case = "message" },
}

-- Copies of 8,192 bytes depend on the layout of the heap most: they have three times as many.
local function measure_sizes(list)
  local all <const> = {}
  for k, size in ipairs(sizes) do
    local commands <const> = {}
    for i, item in ipairs(list) do
      commands[i] = command(item.program, item.case, size, 12800)
    end
    all[k] = measure(commands, size > 4096 and 3 * compare.rounds or compare.rounds)
  end
  return all
end

function sections.transfer()
  local list <const> = present(transfers)
  local all <const> = measure_sizes(list)
  head("Time of a datagram over loopback; 64 in a row are beside C's 64 in a row.",
    "ratio to C at 64 / 1,200 / 8,192 bytes", "send", "receive", "send, least to most", "receive, least to most")
  local base
  for i, item in ipairs(list) do
    base = item.base and i or base
    local cells <const> = { send = {}, receive = {}, send_spread = {}, receive_spread = {} }
    for k in ipairs(sizes) do
      for _, way in ipairs { "send", "receive" } do
        local series <const> = all[k][i][way]
        local shown <const>, spread <const> = show(item.base and "%.0f" or "%.2f",
          item.base and series or ratios(series, all[k][base][way]))
        cells[way][k], cells[way .. "_spread"][k] = shown, spread
      end
    end
    row(item[1], table.concat(cells.send, " / "), table.concat(cells.receive, " / "),
      table.concat(cells.send_spread, " / "), table.concat(cells.receive_spread, " / "))
  end
end

-- With the addresses of lo that the options name.
function sections.options()
  local commands <const> = { "ip link set lo up" }
  for i = 1, 100 do
    commands[#commands + 1] = ("ip addr add 10.7.%d.%d/32 dev lo"):format(i // 250, i % 250 + 1)
  end
  os.execute(table.concat(commands, "; "))
  local worker <const> = compare.lua .. " bench/sockets/options.lua %d %d"
  local all <const> = measure { worker:format(1, few(20000)), worker:format(100, few(20000)) }
  head("Options of one `sendto`, beside a `sendto` without.", "ratio to a plain `sendto`", "1 address", "100 addresses",
    "1, least to most", "100, least to most")
  for _, kind in ipairs { "name", "index", "address", "source", "object", "ttl", "timeout", "all" } do
    local one <const>, least <const> = show("%.2f", ratios(all[1][kind], all[1].plain))
    local many <const>, most <const> = show("%.2f", ratios(all[2][kind], all[2].plain))
    row(kind, one, many, least, most)
  end
end

local drains <const> = { { "recvfrom", "mcast, `recvfrom`" }, { "datagrams", "mcast, `datagrams`" },
  { "recvmany", "mcast, `recvmany`" }, { "into", "mcast, `recvmany` into a table" } }

function sections.drain()
  local commands <const> = {}
  for _, size in ipairs { 64, 1200 } do
    commands[#commands + 1] = command("C", "drain", size, 100000)
    commands[#commands + 1] = ("%s bench/sockets/drain.lua %d %d"):format(compare.lua, size, few(20000))
  end
  local all <const> = measure(commands)
  head("Draining a queue of trains of 64.", "million datagrams a second", "64 bytes", "1,200 bytes", "64, least to most",
    "1,200, least to most")
  local function print_row(name, small, large)
    local function rate(ns) return 1e3 / ns end
    local a <const>, a_spread <const> = show("%.1f", map(small, rate))
    local b <const>, b_spread <const> = show("%.1f", map(large, rate))
    row(name, a, b, a_spread, b_spread)
  end
  print_row("C, which only counts", all[1].trains, all[3].trains)
  for _, method in ipairs(drains) do
    if all[2][method[1]] then
      print_row(method[2], all[2][method[1]], all[4][method[1]])
    end
  end
end

function sections.fanout()
  head("One datagram to many sockets of one process, found by `mcast.poll`.", "sockets", "ns a delivery", "least to most")
  local counts <const>, commands <const> = { 1, 10, 100, 1000 }, {}
  for i, n in ipairs(counts) do
    commands[i] = ("%s bench/sockets/fanout.lua %d %d"):format(compare.lua, n, few(20000))
  end
  for i, figures in ipairs(measure(commands)) do
    row(counts[i], show("%.0f", figures.delivery))
  end
end

-- Runs two programs, the second once the first is ready; returns the figures of both.
local function two(listener, other, round)
  local pipe <const> = compare.open(listener, round)
  assert(pipe:read "l" == "ready", listener)
  local got <const> = compare.run(other, round)
  for name, value in pairs(compare.read(pipe:read "a")) do
    got[name] = value
  end
  assert(pipe:close(), listener)
  return got
end

local hearing <const> = { { "C, which only counts", program = "C", case = "hear" },
  { "mcast, `recvfrom`", program = "mcast", case = "hear" },
  { "mcast, `recvmany` into a table", program = "mcast", case = "hear_many" },
  { "LuaSocket", program = "LuaSocket", case = "hear" } }

function sections.flood()
  head("A flood of a million datagrams, by a C program with offload; two processes, a receive buffer of 4 MiB.", "receiver",
    "million sent a second", "million received a second", "lost, %", "lost, least to most")
  local names <const>, runs <const> = {}, {}
  for _, size in ipairs { 64, 1200 } do
    for _, item in ipairs(present(hearing)) do
      local listener <const> = command(item.program, item.case, size, 1)
      local flood <const> = command("C", "flood", size, 1000000)
      names[#names + 1] = ("%s, %d bytes"):format(item[1], size)
      runs[#runs + 1] = function(round)
        local got <const> = two(listener, flood, round)
        return { rate = got.rate / 1e6, heard = got.received / got.seconds / 1e6, lost = 100 * (1 - got.received / got.sent) }
      end
    end
  end
  for i, figures in ipairs(measure(runs)) do
    row(names[i], (show("%.1f", figures.rate)), (show("%.1f", figures.heard)), show("%.0f", figures.lost))
  end
end

function sections.roundtrip()
  head("A round trip of 64 bytes between two processes, multicast out and unicast back.", "who waits", "median, us",
    "99 %, us", "ratio to C", "ratio, least to most")
  for _, extra in ipairs { "", "spin" } do
    local runs <const>, how <const> = {}, extra == "" and ", asleep" or ", spinning"
    for i, program in ipairs { "C", "mcast" } do
      runs[i] = function(round)
        return two(command(program, "answer", 64, 5000, extra), command(program, "ask", 64, 5000, extra), round)
      end
    end
    local all <const> = measure(runs)
    for i, program in ipairs { "C", "mcast" } do
      row(program .. how, ("%.1f"):format(median(all[i].p50) / 1e3), ("%.1f"):format(median(all[i].p99) / 1e3),
        show("%.2f", ratios(all[i].p50, all[1].p50)))
    end
  end
end

function sections.waits()
  head("Timed waits, and how late they return: medians.", "us late", "1 ms", "10 ms", "200 ms")
  local list <const> = present { { "one `ppoll` in C", program = "C" }, { "mcast", program = "mcast" },
    { "LuaSocket", program = "LuaSocket" } }
  local cells <const> = {}
  for _, wait in ipairs { { 1000, 100 }, { 10000, 20 }, { 200000, 3 } } do
    local commands <const> = {}
    for i, item in ipairs(list) do
      commands[i] = command(item.program, "wait", wait[1], compare.trial and 2 or wait[2])
    end
    for i, figures in ipairs(measure(commands)) do
      cells[i] = cells[i] or {}
      table.insert(cells[i], (show("%.0f", map(figures.p50, function(ns) return ns / 1e3 end))))
    end
  end
  for i, item in ipairs(list) do
    row(item[1], table.unpack(cells[i]))
  end
end

return sections
