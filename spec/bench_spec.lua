-- The benchmarks, in a short trial: each program runs, and has its rows.
local helper <const> = require "spec.support.helper"

-- The figures of a table in Markdown, by first cell, of a trial of a part.
local function rows(part, enter)
  local output <const> = helper.check(("%s make -s bench ROUNDS=0 PART=%s"):format(enter or "", part))
  local found = {}
  for name, rest in output:gmatch "\n| ([^|\n]+) (|[^\n]+|)" do
    if rest:find "%d" and not rest:find "%a" then
      found[name] = rest
    end
  end
  return found, output
end

local function lists(part, names)
  local found <const>, output <const> = rows(part)
  for _, name in ipairs(names) do
    assert(found[name], name .. " has no row:\n" .. output)
    found[name] = nil
  end
  assert.same({}, found)
end

-- The names of a list whose programs are here: those that contain a word need it.
local function present(names)
  local needs <const> = { LuaSocket = package.searchpath("socket.core", package.cpath),
    luv = package.searchpath("luv", package.cpath), ["ns-3"] = io.open "/usr/include/ns3/core-module.h" }
  local list <const> = {}
  for _, name in ipairs(names) do
    local word <const> = name:match "LuaSocket" or name:match "^luv" or name:match "^ns%-3"
    if not word or needs[word] then
      list[#list + 1] = name
    end
  end
  return list
end

local function trial()
  it("compares transfers with C, LuaSocket, luv and Python", function()
    lists("transfer", present { "C, `sendto` and `recvfrom`, ns", "mcast, `sendto` and `recvfrom`",
      "mcast, `sendto` and `datagrams`", "LuaSocket", "luv", "Python", "C, 64 in a row, ns", "C, 64 by offload",
      "mcast, `sendmany` of 64 and `recvfrom`", "mcast, `sendmany` of 64 and `recvmany`",
      "mcast, `sendmany` of 64, to LuaSocket", "LuaSocket, 64 in a row", "luv, 64 in a row", "Python, 64 in a row",
      "C, `recvmsg`, ns", "mcast, `recvmsg` into a table" })
  end)

  it("measures the options of a datagram", function()
    lists("options", { "name", "index", "address", "source", "object", "ttl", "timeout", "all" })
  end)

  it("drains trains by each method", function()
    lists("drain", { "C, which only counts", "mcast, `recvfrom`", "mcast, `datagrams`", "mcast, `recvmany`",
      "mcast, `recvmany` into a table" })
  end)

  it("counts the losses of a flood", function()
    lists("flood", present { "C, which only counts, 64 bytes", "mcast, `recvfrom`, 64 bytes",
      "mcast, `recvmany` into a table, 64 bytes", "LuaSocket, 64 bytes", "C, which only counts, 1200 bytes",
      "mcast, `recvfrom`, 1200 bytes", "mcast, `recvmany` into a table, 1200 bytes", "LuaSocket, 1200 bytes" })
  end)

  it("measures many sockets, round trips and waits", function()
    lists("fanout", { "1", "10", "100", "1000" })
    lists("roundtrip", { "C, asleep", "mcast, asleep", "C, spinning", "mcast, spinning" })
    lists("waits", present { "one `ppoll` in C", "mcast", "LuaSocket" })
  end)

  it("counts instructions #slow", function()
    lists("instructions", present { "mcast, `recvfrom`", "mcast, `sendto`", "mcast, `recvmsg` into a table",
      "mcast, a loop of both `sendto` and `recvfrom`", "LuaSocket, the same loop" })
  end)

  it("counts bytes", function()
    lists("memory", { "garbage of a `sendto`", "garbage of a `recvfrom` of 64 bytes", "an idle socket" })
  end)

  it("compares the simulator with ns-3, Python and Lua", function()
    lists("deliveries", present { "simulator", "simulator with its trace", "ns-3, bare devices", "ns-3, UDP sockets",
      "Python, `heapq` and generators", "Lua, a heap and coroutines" })
  end)

  it("compares queues of events", function()
    lists("queue", { "4-ary heap", "calendar (Brown, 1988)", "ladder (Tang et al., 2005)",
      "radix, bits (Ahuja et al., 1990)", "radix, digits of 6 bits: the simulator's" })
  end)

  it("measures idle nodes, and scripts in nodes", function()
    lists("nodes", { "10000", "100000" })
    lists("scripts", { "arithmetic", "`string.format`", "`string.match`", "`string.pack` and `unpack`", "`tostring`",
      "`..` and `table.concat`", "tables and `pairs`", "`table.sort`" })
  end)

  it("names missing programs, and leaves out their rows", function()
    local folder <const> = helper.check("mktemp -d"):match "[^\n]+"
    helper.defer(function() helper.run("rm -r " .. folder) end)
    helper.check(('IFS=:; for p in $PATH; do ln -sf "$p"/* %s/; done; rm -f %s/python3 %s/valgrind'):format(folder, folder,
      folder))
    local found <const>, output <const> = rows('"deliveries instructions"', "PATH=" .. folder)
    assert.matches("missing: .*python3.*valgrind", output)
    assert.matches("apt%-get install .*python3.*valgrind", output)
    assert.truthy(found.simulator)
    assert.is_nil(found["Python, `heapq` and generators"])
    assert.is_nil(found["mcast, `recvfrom`"])
  end)
end

helper.long("make bench", function()
  helper.network("in a private network", trial)
end)

helper.long("make figures", function()
  local run <const> = [[
Measured on a machine.

A title.

| ratio to C at 64 / 1,200 / 8,192 bytes | send | receive |
| --- | --- | --- |
| mcast, `sendto` and `recvfrom` | 1.50 / 2 / 3 | 1.25 / 5 / 6 |
| LuaSocket | 2.50 / 2 / 3 | 4.00 / 5 / 6 |
]]

  -- Puts the run into a page; returns the page, and the picture.
  local function write(page)
    local figures <const>, path <const>, picture <const> = helper.script(run), helper.script(page), helper.script ""
    helper.check(("LUA_PATH='bench/?.lua;;' %s bench/figures.lua %s %s %s"):format(helper.lua, figures, picture, path))
    return io.open(path):read "a", io.open(picture):read "a"
  end

  it("replaces rows and columns of a page, by name", function()
    assert.equal([[
Text.
Measured on a machine.

| ratio to C at 64 / 1,200 / 8,192 bytes | receive |
| --- | --- |
| LuaSocket | 4.00 / 5 / 6 |

| another table | receive |
| --- | --- |
| LuaSocket | 8 |
]], (write [[
Text.
Measured on another.

| ratio to C at 64 / 1,200 / 8,192 bytes | receive |
| --- | --- |
| LuaSocket | 7 |

| another table | receive |
| --- | --- |
| LuaSocket | 8 |
]]))
  end)

  it("refuses a page with a row that the run lacks", function()
    assert.has_error(function()
      write "| ratio to C at 64 / 1,200 / 8,192 bytes | send |\n| --- | --- |\n| luv | 1 |\n"
    end)
  end)

  it("draws the ratios at 64 bytes", function()
    local _, picture <const> = write ""
    assert.matches(">mcast</text>\n<rect[^\n]+class=\"ours\"/>\n<text[^>]+>1.50</text>", picture)
    assert.matches(">LuaSocket</text>\n<rect[^\n]+class=\"peer\"/>\n<text[^>]+>4.00</text>", picture)
  end)
end)
