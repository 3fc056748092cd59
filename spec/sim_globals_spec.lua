-- The simulator: globals and libraries of a node, which are made when it touches them, are as Lua's at any time.
local both <const> = require "spec.support.both"
local helper <const> = require "spec.support.helper"
local play <const> = require "spec.support.play"
local sim <const> = require "mcast.sim"

local bodies <const> = {
  ["lists its globals"] = [[
    local names = {}
    for name, value in pairs(_G) do names[#names + 1] = name .. " " .. type(value) end
    table.sort(names)
    print(table.concat(names, ", "), getmetatable(_G), debug.getmetatable(_G), #_G, rawlen(_G), _G._G == _G)
  ]],
  ["walks through its globals by next"] = [[
    local n, name = 0, next(_G)
    while name do
      assert(rawequal(_G[name], rawget(_G, name)), name)
      n, name = n + 1, next(_G, name)
    end
    print(n, pcall(next, _G, "absent"))
  ]],
  ["keeps a global that is set to nil"] = [[
    warn, ipairs = nil, ipairs
    assert(select("#", 1) == 1 and utf8.char)
    select, utf8, _VERSION, tonumber = nil, nil, nil, nil
    print(warn, type(ipairs), select, utf8, _VERSION, tonumber, _G.warn, rawget(_G, "utf8"))
    for name in pairs(_G) do assert(name ~= "warn" and name ~= "utf8" and name ~= "tonumber") end
    print(warn, ipairs ~= nil, select, utf8, load "return tonumber"())
  ]],
  ["keeps a global that is removed by rawset"] = [[
    rawset(_G, "warn", nil)
    rawset(_G, "new", 1)
    rawset(_G, "utf8", nil)
    print(warn, new, utf8, rawget(_G, "new"), pcall(rawset, _G, nil, 1))
  ]],
  ["checks arguments of rawget and rawset"] = [[
    print(pcall(rawget)) print(pcall(rawget, nil)) print(pcall(rawget, 5, 1)) print(pcall(rawget, {}))
    print(pcall(rawset)) print(pcall(rawset, "x", 1, 1)) print(pcall(rawset, {})) print(pcall(rawset, {}, 1))
    print(pcall(function() local x = rawget(5, 1) return x end), rawget({ 5 }, 1), #rawset({}, 1, 1), rawget({}, nil))
    print(pcall(function() local x = rawset({}, 1) return x end), pcall(function() rawget() end))
  ]],
  ["lists its libraries as loaded modules"] = [[
    for _, name in ipairs { "string", "table", "math", "os", "io", "coroutine", "debug", "utf8", "package", "_G" } do
      print(name, package.loaded[name] == _G[name], require(name) == _G[name])
    end
    package.loaded.math, utf8 = nil, nil
    print((pcall(require, "math")), math ~= nil, require "utf8" == package.loaded.utf8, utf8)
  ]],
  ["adds, replaces and removes globals"] = [[
    new, os, type = 1, "os", function() return "mine" end
    print(new, os, type(5), rawget(_G, "new"), rawget(_G, "os"))
    new, os = nil, nil
    print(new, os, rawget(_G, "new"), rawget(_G, "os"), absent, pcall(function() absent() end))
    new = 2
    print(new, _G.new, load "new = 3 return new"(), new)
  ]],
  ["raises for a global of no name in its line"] = [[
    local function raise(f, key) return select(2, pcall(f, key)) end
    print(raise(function(key) _G[key] = 1 end), raise(function(key) _G[key] = 1 end, 0 / 0))
    print(raise(function(key) math[key] = 1 end), raise(function(key) string[key] = 1 end, 0 / 0))
    print(raise(function() _G[nil]() end), _G[nil], _G[0 / 0])
  ]],
  ["gives its globals a metatable"] = [[
    local list = {}
    setmetatable(_G, { __newindex = function(t, name, value) list[#list + 1] = name rawset(t, name, value) end,
      __index = function(_, name) return "absent " .. name end })
    math, new = nil, 5
    print(list[1], list[2], new, math, other, utf8 ~= nil, type(getmetatable(_G).__index))
  ]],
  ["has other globals over its own"] = [[
    local _ENV = setmetatable({ x = 5 }, { __index = _G })
    y = 6
    print(x, y, _G.x, _G.y, rawget(_ENV, "print"), table.concat({ 1, 2 }, " "))
  ]],
  ["removes functions of its libraries"] = [[
    string.format, table.insert, math.pi, utf8.char = nil, nil, 3, nil
    print(string.format, table.insert, math.pi, utf8.char, pcall(function() return ("x"):format() end))
    rawset(string, "rep", nil)
    rawset(os, "time", nil)
    rawset(coroutine, "extra", 1)
    print(string.rep, pcall(function() return ("x"):rep(2) end), os.time, coroutine.extra, ("x"):upper())
    for name in pairs(string) do assert(name ~= "format" and name ~= "rep") end
    print(string.format, next(utf8) ~= nil, rawget(utf8, "char"), rawget(table, "insert"), table.concat { "x" })
  ]],
  ["lists a library that it has changed"] = [[
    os.extra, math.pi = 1, nil
    local names = {}
    for _, library in ipairs { os, math, table, string, coroutine, utf8 } do
      for name, value in pairs(library) do names[#names + 1] = name .. " " .. type(value) end
    end
    table.sort(names)
    print(table.concat(names, ", "), math.pi, os.extra)
  ]],
  ["requires globals and the package itself"] = [[
    print(require "_G" == _G, require "package" == package, require "string" == string, require "math" == math)
    print(package.loaded._G == _G, package.loaded.package == package, package.loaded.string == string)
    package.loaded.string = nil
    string = "replaced"
    print(type(package.searchers), type(package.preload), type(package.path), arg[0] ~= nil, #arg)
  ]],
  ["finds a module without the global package"] = [[
    package.preload.here = function(name) return name .. " is here" end
    package = nil
    print(require "here", package, require "package".loaded.here, (select(2, pcall(require, "absent")):match "^[^:]*"))
  ]],
}

-- An order of names for those of the specs.
local names <const> = {}
for name in pairs(bodies) do
  names[#names + 1] = name
end
table.sort(names)

helper.in_lua("the globals of a node", function()
  for _, name in ipairs(names) do
    it("behaves as in Lua where a script " .. name, function()
      local real <const>, simulated = both(bodies[name])
      assert.equal(real, (simulated:gsub('%[string "[^\n]-"%]', "script.lua")))
    end)
  end

  it("keeps changes from nodes that have not touched a global", function()
    local printed <const> = play {
      function()
        local globals <const> = _G
        for name in pairs(globals) do
          globals[name] = nil
        end
      end,
      function()
        require "mcast".sleep(1)
        print(math.max(1, 2), ("x"):rep(2), arg[0], #arg)
      end,
    }
    assert.same({ n2 = { "2\txx\tn2\t0" } }, printed)
  end)

  it("runs a node's function outside of the node", function()
    local lent
    play {
      function()
        lent = function() return math.type(1), #string.rep("x", 3), _G.math == math, select("#", 1, 2), #arg, _G.absent end
      end,
    }
    assert.same({ "integer", 3, true, 2, 0 }, { lent() })
  end)

  it("keeps packages of a script and its restart apart", function()
    local net <const> = sim.new { output = function() end }
    local kept <const>, seen = {}, {}
    local node <const> = net:node("node", function()
      kept[#kept + 1] = function() return package end
      require "mcast".sleep(1)
      seen[#seen + 1] = kept[1]() ~= package
      package.loaded.mine = "mine"
      seen[#seen + 1] = require "mine"
    end)
    net:at(0.5, function() node:restart() end)
    net:run()
    assert.same({ true, "mine" }, seen)
    assert.not_equal(kept[1](), kept[2]())
  end)
end)
