-- The simulator: the file systems of hosts.
local both <const> = require "spec.support.both"
local helper <const> = require "spec.support.helper"
local play <const> = require "spec.support.play"
local sim <const> = require "mcast.sim"

local function write(path, text)
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(text))
end

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

local function realfile(text)
  local path <const> = os.tmpname()
  helper.defer(function() os.remove(path) end)
  write(path, text)
  return path
end

describe("the file system of a host", function()
  it("reads real files", function()
    local path <const> = realfile "real"
    local net = sim.new { output = function(_, line) assert.equal("real", line) end }
    net:node("n", function(...) print(io.open((...)):read "a") end, { path })
    net:run()
  end)

  it("keeps what is written in memory alone", function()
    local path <const> = realfile "before"
    local net = sim.new()
    local node = net:node("n", function(...) io.open((...), "w"):write "after" end, { path })
    net:run()
    assert.equal("before", read(path))
    assert.equal("after", node.on:file(path))
  end)

  it("is seen by all nodes of its host alone", function()
    local net = sim.new { output = function() end }
    local host = net:host "h"
    local function reader() require "mcast".sleep(1) print((io.open "state")) end
    net:node("writer", function() io.open("state", "w"):write "x":close() end, {}, { host = host })
    net:node("near", reader, {}, { host = host })
    net:node("far", reader)
    net:run()
    local found = {}
    for i = 1, #net.trace do
      local e = net.trace[i]
      if e.kind == "log" then found[e.node] = e.text end
    end
    assert.matches("^file", found.near)
    assert.equal("nil", found.far)
  end)

  it("begins anew in a second run of a process", function()
    local function go()
      return play { function()
        local file = io.open "state"
        print(file and file:read "a")
        io.open("state", "w"):write "kept"
      end }
    end
    assert.same({ n1 = { "nil" } }, go())
    assert.same({ n1 = { "nil" } }, go())
  end)

  it("survives a restart", function()
    local net = sim.new { output = function() end }
    local node = net:node("n", function()
      local file <close> = io.open("count", "a+")
      file:write "x"
      file:seek "set"
      print(file:read "a")
    end)
    net:at(1, function() node:restart() end)
    net:run()
    assert.equal("xx", node.on:file "count")
  end)

  it("loses in a crash what was not flushed", function()
    local net = sim.new()
    local held
    local node = net:node("n", function()
      held = io.open("state", "w")
      held:write "flushed "
      held:flush()
      held:write "lost"
      require "mcast".sleep(10)
    end)
    net:at(1, function()
      node:crash()
      collectgarbage()
    end)
    net:run()
    assert.equal("flushed ", node.on:file "state")
  end)

  it("gets what an ended node has not flushed", function()
    local one, two
    local _, net = play { function()
      one, two = io.open("state", "a"), io.open("state", "a")
      two:write "first "
      one:write "second"
    end }
    assert.equal("first second", net.hosts.n1:file "state")
  end)

  it("closes files of a crashed script", function()
    local held
    local net = sim.new { output = function(_, line) assert.matches("closed file", line) end }
    local node = net:node("n", function()
      if held then print(pcall(held.write, held, "x")) return end
      held = io.open("state", "w")
      held:write "x"
      require "mcast".sleep(10)
    end)
    net:at(1, function() node:restart() end)
    net:run()
    assert.equal("", node.on:file "state")
  end)

  it("keeps a part of the last write in a torn crash", function()
    local net = sim.new()
    local node = net:node("n", function()
      local file = io.open("state", "w")
      file:write "0123456789"
      file:seek("set", 2)
      file:write "abcd"
      file:flush()
      require "mcast".sleep(10)
    end)
    net:at(1, function() node:crash { torn = 0.5 } end)
    net:run()
    assert.equal("01ab456789", node.on:file "state")
    assert.equal("2 of 4 bytes of the last write kept", net.trace[#net.trace].reason)
  end)

  it("loses parts of writes by chaos of the kind disk", function()
    local net = sim.new { seed = 3 }
    net:node("n", function()
      local file = io.open("log", "a")
      while true do
        file:write("0123456789"):flush()
        require "mcast".sleep(0.01)
      end
    end)
    net:node("other", function() require "mcast".sleep(100) end)
    net:chaos { kinds = { "disk" }, every = 0.5 }
    net:run(10)
    local log <const> = net.hosts.n:file "log"
    assert.is_true(#log > 1000 and log:gsub("0123456789", "") ~= "")
  end)

  it("writes real files where the net lends them", function()
    local path <const> = realfile "before"
    local net = sim.new { files = "real" }
    local node = net:node("n", function(name)
      local file = io.open(name, "r+")
      file:write "BE"
      file:flush()
      file:write "lost"
      require "mcast".sleep(10)
    end, { path })
    net:at(1, function() node:crash() end)
    net:run()
    assert.equal("BEfore", read(path))
    assert.equal("BEfore", node.on:file(path))
  end)

  -- A script that leaves text in a buffer, and the scenario that runs it.
  local unflushed <const> = [[
    local function script(path)
      local file = io.open(path, "a")
      file:write "left"
      require "mcast".sleep(10)
    end
    local sim = require "mcast.sim"
    local function begin(options)
      options.output = print
      local net = sim.new(options)
      local node = net:node("n", script, { PATH })
      net:run(1)
      return node, net
    end
  ]]

  local function after(scenario)
    local path <const> = realfile ""
    helper.check(helper.lua .. " " .. helper.script(unflushed:gsub("PATH", ("%q"):format(path)) .. scenario))
    return read(path)
  end

  it("flushes real files when the process ends", function()
    assert.equal("left", after 'node, net = begin { files = "real" }')
  end)

  it("flushes real files when the net is dropped", function()
    assert.equal("left", after 'begin { files = "real" } collectgarbage() os.exit(0, false)')
  end)

  it("flushes real files at the end of a seed of a sweep", function()
    assert.equal("leftleft", after [[
      sim.sweep { seeds = { 1, 2 }, jobs = 1, scenario = function() node, net = begin { files = "real" } end }]])
  end)

  it("loses what a crashed node left in real files", function()
    assert.equal("", after 'local node = begin { files = "real" } node:crash() node = nil collectgarbage()')
  end)

  it("keeps files in memory when the net is dropped", function()
    assert.equal("", after "node, net = begin {}")
  end)

  it("renames and removes real files where the net lends them", function()
    local path <const> = realfile "text"
    helper.defer(function() os.remove(path .. ".new") end)
    local net = sim.new { files = "real", output = function(_, line) assert.equal("true", line) end }
    net:node("n", function(name)
      local other = os.tmpname()
      assert(io.open(other))
      print((os.rename(name, name .. ".new")))
      print((os.remove(other)))
    end, { path })
    net:run()
    assert.equal("text", read(path .. ".new"))
    assert.is_nil(io.open(path))
  end)

  it("writes real files for a host that asks for them", function()
    local path <const> = realfile ""
    local net = sim.new()
    net:node("own", function(name) io.open(name, "a"):write "own" end, { path })
    net:node("real", function(name) io.open(name, "a"):write "real" end, { path }, { files = "real" })
    net:run()
    assert.equal("real", read(path))
  end)

  it("holds modules and scripts that nodes load", function()
    local printed = play { function()
      io.open("mod_of_node.lua", "w"):write "#!/usr/bin/lua\nreturn { x = 5 }, ...":close()
      package.path = "./?.lua"
      print(require "mod_of_node".x, dofile "mod_of_node.lua".x, (package.searchpath("mod_of_node", package.path)))
      print(select(2, pcall(require, "mod_of_none")))
    end }
    assert.equal("5\t5\t./mod_of_node.lua", printed.n1[1])
    assert.equal("module 'mod_of_none' not found:", printed.n1[2])
  end)

  it("has devices", function()
    local printed = play({ function()
      print(#io.open "/dev/urandom":read(8), io.open "/dev/null":read "a", io.open "/dev/zero":read(2) == "\0\0")
      print(pcall(function() for _ in io.lines "/dev/zero" do end end))
    end }, { seed = 1 })
    assert.same({ "8\t\ttrue", "false\tnot enough memory" }, printed.n1)
  end)

  it("behaves as Lua's", function()
    local real, simulated = both [[
      local function plain(value) return (tostring(value):gsub("^[^:]*:%d+: ", ""):gsub("0x%x+", "P")) end
      local function show(a, b, c) print(plain(a), plain(b), plain(c)) end
      local f = assert(io.open("x", "w"))
      show(f:write("12 0x1p4 -3e2 .5e1 nan\n", 2.0, " ", 1e100, "\nlast line"))
      show(f:seek()) show(f:seek("set", 3)) show(f:write "0X2P3") show(f:close()) show(pcall(f.read, f)) show(f)
      show(io.type(f)) show(io.type(io.stdout)) show(io.type(5))
      f = io.open "x"
      show(f:read "n") show(f:read "n") show(f:read("n", "n")) show(f:read "n") show(f:read "l") show(f:read(0))
      show(f:read("L", "*l")) show(f:read(0)) show(f:read "a") show(f:read "a") show(f:read "l") show(f:write "x")
      show(f:seek("end", -4)) show(f:read(2)) show(f:read(100)) show(f:read(1)) show(f:seek("set", -1))
      show(pcall(function() f:seek("set", {}) end)) show(f:setvbuf("full", 1024)) f:close()
      for mode in ("r w a r+ w+ a+ rb ab+ r+b rw q"):gmatch "%S+" do
        local ok, file, message = pcall(function()
          return io.open("modes", mode)
        end)
        show(mode, ok, ok and message or not ok and file)
        if ok and file then
          show(file:write "12345") show(file:seek "cur") show(file:seek("set", 1)) show(file:read(2)) show(file:seek "cur")
          show(file:write "X") show(file:seek "end") file:close()
        end
      end
      for line in io.lines("x", "L") do io.write(line) end
      print()
      for a, b in io.lines("x", 1, 2) do io.write("[", a, b or "nil", "]") end
      print()
      show(pcall(io.lines, "none")) show(io.open("none/x", "w")) show(io.open("x/y", "w")) show(io.open(".", "w"))
      show(io.open ".":read "a") show(os.remove "none") show(os.rename("none", "x")) show(os.rename("x", "y"))
      show(io.open "x") show(io.open "./y":read "n") show(os.remove "../../../../../none")
      io.output "out" io.write("a", 1, 1.5) show(io.output() == io.stdout) io.close() show(pcall(io.write, "x"))
      io.output(io.stdout) io.input "out" show(io.read(3)) show(io.read()) show(io.read()) io.close(io.input())
      show(pcall(io.read)) show(pcall(io.output, "none/x")) show(pcall(io.input, "none"))
      show(pcall(function() io.close(5) end))
      f = io.tmpfile() show(f:write "tmp") show(f:seek "set") show(f:read "a") f:close()
      local name = os.tmpname() show(#io.open(name):read "a") show(os.remove(name))
      io.open("chunk.lua", "w"):write "#!x\nreturn 1, ...":close()
      show(dofile "chunk.lua") show(loadfile("chunk.lua", "t", {})(2)) show(loadfile("chunk.lua", "b"))
      show(loadfile "none")
      show(pcall(dofile, "none")) show(loadfile ".")
      do local f <close> = io.open "out" end
      f = io.open("two", "w") g = io.open("two") f:write "x" show(g:read "a") f:flush() show(g:read "a")
      f:setvbuf "line" f:write "y" show(g:read "a") f:write "z\n" show(g:read "a")
      f:setvbuf "no" f:write "n" show(g:read "a") os.remove "two" f:write "gone" show(g:read "a")
      local function all(...) show(select("#", ...), ...) end
      all(f:flush()) all(f:close()) all(io.flush()) all(io.open("", "w")) all(os.remove ".") all(os.rename("out", "."))
      all(os.rename(".", "none")) all(os.rename("", "x")) all(os.rename("out", "")) all(os.rename("out", "none/x"))
      all(os.rename("none/x", "none")) all(os.rename("none", "out/x")) all(os.remove "out/x") all(io.open "out/x")
      all(pcall(io.open, "x", "z")) all(pcall(io.read, "z")) all(pcall(g.read, g, "z")) all(pcall(g.read, 5))
      all(pcall(function() g.read(g, "z") end)) all(pcall(function() g:read("z") end)) all(pcall(io.close, 5))
      all(pcall(io.lines("out", "z"))) all(pcall(function() for _ in io.lines("out", "z") do end end))
      all(pcall(io.open ".".read, io.open ".", "l", "z")) all(io.open ".":read(0)) all(pcall(loadfile, {}))
      f = io.open("hole", "w") f:seek("set", 5) f:write "x" f:close() all((io.open "hole":read "a":gsub("%z", "0")))
      do local c <close> = io.open "out" f = c end all(io.type(f)) all(io.open "out":lines()())
      f = io.open "out" io.input(f) for _ in io.lines() do end all(io.type(f)) io.input(io.stdin)
      local it, _, _, file = io.lines "out" while it() do end all(io.type(file))
      io.open("numbers", "w"):write "+5 -0x1p-2 1e+2 1e-1":close() all(io.open "numbers":read("n", "n", "n", "n"))
      local one, two = os.tmpname(), os.tmpname() all(one ~= two, os.remove(one), os.remove(two))
      local step = io.lines "out" while step() do end all(pcall(step)) all(io.lines("out", 0)())
    ]]
    assert.equal(real, simulated)
  end)

  it("raises in the caller's line", function()
    local printed = play { function()
      local file = io.open("x", "w")
      for _, f in ipairs { function() file:write {} end, function() file:read "x" end, function() file:seek "x" end,
        function() file:seek("set", 1.5) end, function() io.write {} end, function() io.open() end, function() io.open({}) end,
        function() io.lines "none" end, function() io.output "none/x" end, function() io.close(5) end,
        function() io.output {} end, function() file.write(5) end, function() io.open("x", "z") end,
        function() os.remove() end, function() io.read "x" end,
        function() file:close() file:write "x" end } do
        print((select(2, pcall(f))))
      end
    end }
    assert.equal(16, #printed.n1)
    for _, message in ipairs(printed.n1) do
      assert.matches("^spec/sim_files_spec.lua:%d+: ", message)
    end
  end)
end)
