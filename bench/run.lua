-- Measures mcast, plain C and other libraries, interleaved in one run, and prints the
-- medians of the ratios; draws the first of them as bench/ratios.svg.
-- usage, from make bench: lua5.4 bench/run.lua [rounds]
-- 0 rounds are a short trial of all cases, whose figures mean nothing.
local lua <const> = os.getenv "MCAST_LUA" or "lua5.4"
local trial <const> = arg[1] == "0"
local rounds <const> = trial and 1 or tonumber(arg[1] or 5)

local draw <const> = require "draw"

local programs <const> = {
  C = "build/bench/floor", mcast = lua .. " bench/with_mcast.lua", LuaSocket = lua .. " bench/with_luasocket.lua",
  luv = lua .. " bench/with_luv.lua", Python = "python3 bench/with_python.py",
}

-- The figures that a worker prints, by name.
local function read(text)
  local figures = {}
  for name, value in text:gmatch "([%w_]+) ([%d.-]+)" do
    figures[name] = tonumber(value)
  end
  return figures
end

local function few(count)
  return trial and math.min(count, 128) or count
end

local function measure(program, case, size, count, extra)
  count = few(count)
  local command = ("timeout 60 %s %s %d %d %s"):format(programs[program], case, size, count, extra or "")
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  assert(pipe:close(), command)
  return read(text)
end

local function median(list)
  table.sort(list)
  return list[#list // 2 + 1]
end

-- Runs a list of {program, case}, round after round; returns for each the medians of its
-- figures, and of their ratios to those of the first.
local function compare(list, size, count, extra)
  local figures, ratios = {}, {}
  for _ = 1, rounds do
    local floor
    for i, entry in ipairs(list) do
      local got = measure(entry[1], entry[2], size, count, extra)
      floor = floor or got
      figures[i], ratios[i] = figures[i] or {}, ratios[i] or {}
      for name, value in pairs(got) do
        figures[i][name] = figures[i][name] or {}
        ratios[i][name] = ratios[i][name] or {}
        table.insert(figures[i][name], value)
        table.insert(ratios[i][name], value / floor[name])
      end
    end
  end
  for i in ipairs(list) do
    for name, values in pairs(figures[i]) do
      figures[i][name], ratios[i][name] = median(values), median(ratios[i][name])
    end
  end
  return figures, ratios
end

local function row(...)
  print("| " .. table.concat({ ... }, " | ") .. " |")
end

local function head(title, ...)
  print("\n" .. title .. "\n")
  row(...)
  print(("| --- "):rep(select("#", ...)) .. "|")
end

local function show(title, list, sizes, count)
  local all = {}
  for _, size in ipairs(sizes) do
    all[size] = table.pack(compare(list, size, count))
  end
  head(title, "", "send, " .. table.concat(sizes, " / ") .. " bytes", "receive")
  for i, entry in ipairs(list) do
    local send, receive = {}, {}
    for k, size in ipairs(sizes) do
      local figures, ratios = all[size][1][i], all[size][2][i]
      local form = i == 1 and "%.0f ns" or "%.2f"
      send[k] = form:format(i == 1 and figures.send or ratios.send)
      receive[k] = form:format(i == 1 and figures.receive or ratios.receive)
    end
    row(entry[3] or entry[1], table.concat(send, " / "), table.concat(receive, " / "))
  end
  return all
end

local sizes <const> = { 64, 1200, 8192 }

local function transfer()
  local lone = show("Lone datagrams, one sent and one received: ratio to C",
    { { "C", "lone" }, { "mcast", "lone" }, { "LuaSocket", "lone" }, { "luv", "lone" }, { "Python", "lone" },
      { "mcast", "iterate", "mcast, datagrams()" } }, sizes, 20000)
  local burst = show("64 in a row: ratio to C",
    { { "C", "burst" }, { "C", "train", "C, by offload to C" },
      { "mcast", "burst", "mcast, sendmany to mcast" }, { "mcast", "plain", "mcast, sendmany to LuaSocket" },
      { "LuaSocket", "burst" }, { "luv", "burst" }, { "Python", "burst" } }, sizes, 19200)
  show("recvmsg into a table: ratio to C's recvmsg with the same ancillary data",
    { { "C", "message" }, { "mcast", "message" } }, sizes, 20000)
  if not trial then
    draw("bench/ratios.svg", lone[64][2], burst[64][2])
  end
end

local function choice()
  local commands = { "ip link set lo up" }
  for i = 1, 100 do
    commands[#commands + 1] = ("ip addr add 10.7.%d.%d/32 dev lo"):format(i // 250, i % 250 + 1)
  end
  os.execute(table.concat(commands, "; "))
  head("Options of one datagram, 64 bytes: ratio to a plain sendto", "", "1 address", "100 addresses")
  local one = compare({ { "mcast", "choice" } }, 1, 20000)
  local many = compare({ { "mcast", "choice" } }, 100, 20000)
  for _, kind in ipairs { "name", "index", "address", "source", "object", "ttl", "timeout", "all" } do
    row(kind, ("%.2f"):format(one[1][kind] / one[1].plain), ("%.2f"):format(many[1][kind] / many[1].plain))
  end
end

local function fanout()
  head("One datagram to many sockets of one process, found by poll", "sockets", "ns a delivery")
  for _, n in ipairs { 1, 10, 100, 1000 } do
    row(n, ("%.0f"):format(compare({ { "mcast", "fanout" } }, n, 20000)[1].delivery))
  end
end

-- Runs two processes, the second once the first is ready; returns the figures of both.
local function two(listener, case, other, other_case, size, count, extra)
  local command = ("timeout 60 %s %s %d %d %s"):format(programs[listener], case, size, few(count), extra or "")
  local pipe = assert(io.popen(command))
  assert(pipe:read "l" == "ready")
  local got = measure(other, other_case, size, count, extra)
  for name, value in pairs(read(pipe:read "a")) do
    got[name] = value
  end
  pipe:close()
  return got
end

local function flood()
  head("Flood by a C sender with offload, 4 MiB receive buffer, two processes", "", "bytes", "sent a second",
    "received a second", "lost")
  for _, size in ipairs { 64, 1200 } do
    for _, program in ipairs { "C", "mcast", "LuaSocket" } do
      local rate, heard, lost = {}, {}, {}
      for i = 1, rounds do
        local got = two(program, "hear", "C", "flood", size, 1000000)
        rate[i], heard[i] = got.rate / 1e6, got.received / got.seconds / 1e6
        lost[i] = 100 * (1 - got.received / got.sent)
      end
      row(program, size, ("%.1f M"):format(median(rate)), ("%.1f M"):format(median(heard)), ("%.0f %%"):format(median(lost)))
    end
  end
end

local function roundtrip()
  head("Round trip of two processes, multicast out and unicast back, 64 bytes", "", "p50", "p99", "p50, ratio to C")
  for _, extra in ipairs { "", "spin" } do
    local p50, p99, ratio = { C = {}, mcast = {} }, { C = {}, mcast = {} }, {}
    for i = 1, rounds do
      for _, program in ipairs { "C", "mcast" } do
        local got = two(program, "answer", program, "ask", 64, 5000, extra)
        p50[program][i], p99[program][i] = got.p50, got.p99
      end
      ratio[i] = p50.mcast[i] / p50.C[i]
    end
    for _, program in ipairs { "C", "mcast" } do
      row(program .. (extra == "" and ", asleep" or ", spinning"), ("%.1f us"):format(median(p50[program]) / 1000),
        ("%.1f us"):format(median(p99[program]) / 1000), program == "C" and "1" or ("%.2f"):format(median(ratio)))
    end
  end
end

local function waits()
  head("Timed waits: median lateness (and the earliest)", "", "1 ms", "10 ms", "200 ms")
  local list = { { "C", "wait", "one ppoll in C" }, { "mcast", "wait", "mcast" }, { "LuaSocket", "wait", "LuaSocket" } }
  local cells = { {}, {}, {} }
  for _, wait in ipairs { { 1000, 200 }, { 10000, 50 }, { 200000, 5 } } do
    local figures = compare(list, wait[1], wait[2])
    for i in ipairs(list) do
      table.insert(cells[i], ("%.0f us (%.0f)"):format(figures[i].p50 / 1000, figures[i].min / 1000))
    end
  end
  for i, entry in ipairs(list) do
    row(entry[3], table.unpack(cells[i]))
  end
end

-- The instructions of one sendto and one recvfrom, from two different counts.
local function instructions(program)
  local total = {}
  for i, count in ipairs { 2000, 4000 } do
    local pipe = assert(io.popen(("valgrind --tool=callgrind --callgrind-out-file=/dev/null %s calls 64 %d 2>&1")
      :format(programs[program], count)))
    total[i] = tonumber(pipe:read "a":match "Collected : (%d+)")
    pipe:close()
  end
  return (total[2] - total[1]) / 2000
end

local function costs()
  head("Instructions in user space for a sendto and a recvfrom of 64 bytes", "", "instructions")
  for _, program in ipairs { "mcast", "LuaSocket" } do
    row(program, ("%.0f"):format(instructions(program)))
  end
  local memory = compare({ { "mcast", "memory" } }, 64, 1000)[1]
  head("Memory of mcast", "", "bytes")
  row("garbage of a sendto", ("%.0f"):format(memory.send))
  row("garbage of a recvfrom of 64 bytes", ("%.0f"):format(memory.receive))
  row("an idle socket", ("%.0f"):format(memory.socket))
end

local cpu = io.open "/proc/cpuinfo":read "a":match "model name%s*: ([^\n]+)"
print(("%s, Linux %s, %s, medians of %d rounds"):format(cpu, io.open "/proc/sys/kernel/osrelease":read(), os.date "%F", rounds))
transfer()
choice()
fanout()
flood()
roundtrip()
waits()
costs()
