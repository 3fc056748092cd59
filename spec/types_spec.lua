local mcast <const> = require "mcast"

-- The names in the definitions that match a pattern, sorted.
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
  it("declares exactly the functions and fields of the module", function()
    local names = declared "\nfunction mcast%.([%w_]+)"
    for _, field in ipairs(fields "mcast") do
      names[#names + 1] = field
    end
    table.sort(names)
    assert.same(keys(mcast), names)
  end)

  it("declares exactly the methods of a socket", function()
    local socket <close> = assert(mcast.socket())
    assert.same(keys(getmetatable(socket).__index), declared "\nfunction socket:([%w_]+)")
  end)

  it("declares exactly the methods of a monitor", function()
    local monitor <close> = assert(mcast.monitor())
    assert.same(keys(getmetatable(monitor).__index), declared "\nfunction monitor:([%w_]+)")
  end)

  it("declares exactly the fields of a change", function()
    assert.same({ "address", "interface", "kind" }, fields "mcast.change")
  end)

  it("declares exactly the fields of a message", function()
    local socket <close> = assert(mcast.socket { host = "127.0.0.1", metadata = true })
    assert(socket:sendto("x", socket:getsockname()))
    local received <const> = assert(socket:recvmsg(5))
    for _, name in ipairs { "dscp", "ecn", "group", "interface", "own", "ttl" } do
      received[name] = received[name] or "not reported by this system"
    end
    assert.same(keys(received), fields "mcast.message")
  end)

  it("declares exactly the options of a call", function()
    local names <const> = fields "mcast.choice"
    assert.same({ "interface", "source", "timeout", "ttl" }, names)
    local socket <close> = assert(mcast.socket())
    for _, name in ipairs(names) do
      assert.error_matches(function() socket:sendto("x", "127.0.0.1:9", { [name] = false }) end, "bad option '" .. name .. "'")
    end
  end)

  it("declares exactly the options of a socket", function()
    local socket <close> = assert(mcast.socket())
    local names, rows = fields "mcast.options", {}
    for name in assert(io.open "src/option.c"):read "a":gmatch '\n *{"([%w_]+)", &' do
      rows[#rows + 1] = name
    end
    table.sort(names)
    table.sort(rows)
    assert.same(rows, names)
    for _, name in ipairs(names) do
      local ok, message = pcall(socket.getoption, socket, name)
      assert.is_true(ok, message)
    end
  end)

  it("declares exactly the fields of an address", function()
    local address = assert(mcast.address "[fe80::1%lo]:5")
    local names = fields "mcast.address"
    assert.same({ "family", "host", "interface", "multicast", "port" }, names)
    for _, name in ipairs(names) do
      assert.is_not_nil(address[name], name)
    end
  end)

  it("declares exactly the fields of an interface", function()
    assert.same(keys(mcast.interfaces()[1]), fields "mcast.interface")
  end)
end)

-- Sorted names declared in a file of types, as functions of a class.
local function functions(file, class, separator)
  local names = {}
  for name in assert(io.open("types/" .. file)):read "a":gmatch("\nfunction " .. class .. separator .. "([%w_]+)") do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

-- Public methods of an object of a class: those of its metatable without metamethods. Where that has a function for fields
-- that most objects lack, they are its module's.
local function methods(object, class)
  local names, index = {}, getmetatable(object).__index
  if type(index) == "function" then
    index = require("mcast.sim." .. class:lower()).methods
  end
  for name, value in pairs(index) do
    names[#names + 1] = type(value) == "function" and not name:find "^__" and name or nil
  end
  table.sort(names)
  return names
end

describe("types/sim.lua", function()
  local sim <const> = require "mcast.sim"
  local net <const> = sim.new { output = function() end }
  local node <const> = net:node("a", function() end)
  local objects <const> = { Net = net, Node = node, Host = net.hosts.a, Lan = net.lans.lan, Rule = net:rule(print),
    Partition = net:isolate "a", History = net:history(),
    Story = sim.shrink(error, 1) }

  it("declares exactly the functions of the module", function()
    assert.same(keys(sim), functions("sim.lua", "sim", "%."))
  end)

  for class, object in pairs(objects) do
    it("declares exactly the methods of " .. class, function()
      local names = methods(object, class)
      assert.is_true(#names > 0)
      assert.same(names, functions("sim.lua", class, ":"))
    end)
  end
end)

describe("types/describe.lua", function()
  it("declares exactly the functions of the module", function()
    assert.same(keys(require "mcast.describe"), functions("describe.lua", "describe", "%."))
  end)
end)

describe("types/pcapng.lua", function()
  local pcapng <const> = require "mcast.pcapng"

  it("declares exactly the functions of the module", function()
    assert.same(keys(pcapng), functions("pcapng.lua", "pcapng", "%."))
  end)

  it("declares exactly the methods of writers and readers", function()
    local path <const> = os.tmpname()
    local writer <const> = assert(pcapng.writer(path))
    assert.same(methods(writer), functions("pcapng.lua", "Writer", ":"))
    assert(writer:close())
    local reader <const> = assert(pcapng.reader(path))
    assert.same(methods(reader), functions("pcapng.lua", "Reader", ":"))
    reader:close()
    os.remove(path)
  end)
end)

describe("types/timeline.lua", function()
  it("declares exactly the functions of the module", function()
    assert.same(keys(require "mcast.timeline"), functions("timeline.lua", "timeline", "%."))
  end)
end)

describe("types/trace.lua", function()
  it("declares exactly the functions of the module", function()
    assert.same(keys(require "mcast.trace"), functions("trace.lua", "trace", "%."))
  end)
end)

describe("types/busted.lua", function()
  it("declares exactly the functions of the module", function()
    assert.same(keys(require "mcast.sim.busted"), functions("busted.lua", "tests", "%."))
  end)
end)

describe("types/impair.lua", function()
  it("declares exactly the fields of the settings", function()
    local names = {}
    for name in assert(io.open "types/impair.lua"):read "a":gmatch "%-%-%-@field ([%w_]+)" do
      names[#names + 1] = name
    end
    table.sort(names)
    assert.same(keys(require "mcast.impair.settings".parse "loss=0.1"), names)
  end)
end)

describe("types/events.lua", function()
  it("declares each field of a recorded event", function()
    local text <const> = assert(io.open "types/events.lua"):read "a"
    local net <const> = require "mcast.sim".new { output = function() end }
    net:node("receiver", "examples/receiver.lua")
    net:node("sender", "examples/sender.lua")
    net:run(3)
    assert.is_true(#net.trace > 0)
    for i = 1, #net.trace do
      for name in pairs(net.trace[i]) do
        assert.is_truthy(text:find("\n%-%-%-@field " .. name .. "%f[^%w_]"), name)
      end
      assert.is_truthy(text:find('"' .. net.trace[i].kind .. '"', 1, true), net.trace[i].kind)
    end
  end)
end)
