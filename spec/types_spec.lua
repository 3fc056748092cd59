local mcast <const> = require "mcast"

-- The names that the definitions give to a class, as functions or as fields.
local function declared(pattern)
  local names = {}
  for name in assert(io.open "types/mcast.lua"):read "a":gmatch(pattern) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

local function keys(t)
  local names = {}
  for name in pairs(t) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

-- The field names of one class.
local function fields(class)
  local names, inside = {}, false
  for line in io.lines "types/mcast.lua" do
    inside = line == "---@class " .. class or inside and line:find "^%-%-%-@field" ~= nil
    names[#names + 1] = inside and line:match "^%-%-%-@field ([%w_]+)" or nil
  end
  table.sort(names)
  return names
end

describe("types/mcast.lua", function()
  it("declares the functions and fields of the module, no more and no less", function()
    local names = declared "\nfunction mcast%.([%w_]+)"
    for _, field in ipairs(fields "mcast") do
      names[#names + 1] = field
    end
    table.sort(names)
    assert.same(keys(mcast), names)
  end)

  it("declares the methods of a socket, no more and no less", function()
    local socket <close> = assert(mcast.socket())
    assert.same(keys(getmetatable(socket).__index), declared "\nfunction socket:([%w_]+)")
  end)

  it("declares the options that there are", function()
    local socket <close> = assert(mcast.socket())
    local names = fields "mcast.options"
    assert.equal(17, #names)
    for _, name in ipairs(names) do
      local ok, message = pcall(socket.getoption, socket, name)
      assert.is_true(ok, message)
    end
    for name in assert(io.open "src/option.c"):read "a":gmatch '\n *{"([%w_]+)", &' do
      assert.is_truthy(table.concat(names, " "):find(name, 1, true), name)
    end
  end)

  it("declares the fields of an address and of an interface", function()
    local address = assert(mcast.address "[fe80::1%lo]:5")
    local names = fields "mcast.address"
    assert.same({ "family", "host", "interface", "multicast", "port" }, names)
    for _, name in ipairs(names) do
      assert.is_not_nil(address[name], name)
    end
    assert.same(keys(mcast.interfaces()[1]), fields "mcast.interface")
  end)
end)

-- The methods that a source documents, as "Class:name".
local function documented(list, path)
  local inside = false
  for line in io.lines(path) do
    local name = line:match "^function (%u%w+:[%w_]+)"
    list[#list + 1] = inside and name or nil
    inside = line:find "^%-%-%- " ~= nil or inside and line:find "^%-%-" ~= nil
  end
end

describe("types/sim.lua", function()
  it("declares the methods that are documented, no more and no less", function()
    local names, there = {}, {}
    for name in assert(io.open "types/sim.lua"):read "a":gmatch "\nfunction (%u%w+:[%w_]+)" do
      names[#names + 1] = name
    end
    for _, path in ipairs { "sim.lua", "sim/node.lua", "sim/output.lua", "sim/topology.lua" } do
      documented(there, "lua/mcast/" .. path)
    end
    table.sort(names)
    table.sort(there)
    assert.is_true(#names > 20)
    assert.same(there, names)
  end)
end)
