-- Userdata that are no sockets, monitors or addresses, and those whose metatables have been tampered with.
local mcast <const> = require "mcast"
local helper <const> = require "spec.support.helper"
local sim <const> = require "mcast.sim"

local impostor

local function place(userdata)
  return tonumber(("%p"):format(userdata))
end

local function collect()
  for _ = 1, 3 do collectgarbage() end
end

-- Bytes that differ from a real userdata's by where it is, as a mark of that place would.
local function forge(bytes, from, to)
  return (bytes:gsub("^(.-)(........)", function(before, mark)
    return before .. ("=I8"):pack(("=I8"):unpack(mark) ~ from ~ to)
  end, 1))
end

-- Has an object collected, and makes userdata with its bytes (else with those that memory has) until one lies
-- where it was; nil: this allocator uses no place again.
local function takeplace(kind, tamper, bytes)
  for _ = 1, 20 do
    local real = kind.make()
    local at <const>, content <const>, fakes = place(real), impostor.read(real), {}
    tamper(real)
    real = nil -- luacheck: ignore
    collect()
    for i = 1, 200 do
      fakes[i] = impostor.make(#content, kind.uservalues)
      if place(fakes[i]) == at then
        if bytes then impostor.write(fakes[i], content) end
        return fakes[i]
      end
    end
  end
end

local function methods(object)
  local list <const> = {}
  for _, f in pairs(getmetatable(object).__index) do list[#list + 1] = f end
  return list
end

-- Asserts that each function raises for a userdata, with a message.
local function refused(list, userdata, message)
  for _, f in ipairs(list) do
    local ok, text = pcall(f, userdata, 0)
    assert.is_false(ok)
    assert.matches(message, text)
  end
end

local kinds <const> = {
  socket = { make = function() return assert(mcast.socket { metadata = true }) end, uservalues = 5 },
  monitor = { make = function() return assert(mcast.monitor()) end, uservalues = 2 },
}

helper.network("the module", function()
  setup(function()
    local folder <const> = helper.compile "spec/support/impostor.c"
    impostor = assert(package.loadlib(folder .. "/impostor.so", "luaopen_impostor"))()
  end)

  for name, kind in pairs(kinds) do
    describe("and impostors of a " .. name, function()
      local real, bytes, list
      before_each(function()
        real = kind.make()
        bytes, list = impostor.read(real), methods(real)
      end)

      it("refuses those with bytes of any kind", function()
        local fake <const> = impostor.make(#bytes, kind.uservalues)
        for _, content in ipairs { ("\0"):rep(#bytes), ("\255"):rep(#bytes), bytes, forge(bytes, place(real), place(fake)) } do
          impostor.write(fake, content)
          refused(list, fake, "mcast." .. name .. " expected, got userdata")
          assert.is_false(pcall(mcast.poll, { fake }, 0))
        end
        real:close()
      end)

      for what, tamper in pairs {
        ["is collected"] = function() end,
        ["is collected without a metatable"] = function(object) debug.setmetatable(object, nil) end,
        ["is collected with another metatable"] = function(object) debug.setmetatable(object, {}) end,
      } do
        it("refuses one at the place of an object that " .. what, function()
          for _, copied in ipairs { true, false } do
            local fake <const> = takeplace(kind, tamper, copied)
            if not fake then
              pending "this allocator uses no place again"
              return
            end
            refused(list, fake, "mcast." .. name .. " expected, got userdata")
          end
        end)
      end

      it("regards one with its metatable as closed", function()
        local fake <const> = debug.setmetatable(impostor.make(#bytes, kind.uservalues), getmetatable(real))
        impostor.write(fake, bytes)
        for key, f in pairs(getmetatable(real).__index) do
          local ok, text = pcall(f, fake, 0)
          assert.equal(key == "close", ok)
          assert(ok or text:find("attempt to use a closed " .. name, 1, true), text)
        end
        assert.equal("mcast." .. name .. " (closed)", tostring(fake))
        real:close()
      end)
    end)

    it("uses a " .. name .. " that has another metatable", function()
      local real <const> = kind.make()
      local metatable <const> = getmetatable(real)
      for _, other in ipairs { {}, getmetatable(io.stdout), getmetatable(mcast.address "10.0.0.1:5") } do
        debug.setmetatable(real, other)
        collect()
        assert(metatable.__index.getfd(real) >= 0)
      end
      debug.setmetatable(real, metatable)
      real:close()
    end)

    it("closes a " .. name .. " by its finalizer, again and again", function()
      local real <const> = kind.make()
      for _ = 1, 3 do getmetatable(real).__gc(real) end
      refused({ real.getfd }, real, "attempt to use a closed " .. name)
      real:close()
    end)

    it("collects each " .. name .. " where the finalizer is replaced", function()
      local before <const> = helper.ownedsockets()
      local metatable <const> = getmetatable(kind.make())
      local finalizer <const> = metatable.__gc
      helper.defer(function() metatable.__gc = finalizer end)
      for _, other in ipairs { false, print, error } do
        metatable.__gc = other ~= print and other or nil
        for _ = 1, 10 do kind.make() end
      end
      metatable.__gc = finalizer
      assert.equal(before, helper.ownedsockets())
    end)

    it("refuses a " .. name .. " that a finalizer brings back", function()
      local saved
      do
        local holder <const> = setmetatable({}, { __gc = function(self) saved = self[1] end })
        holder[1] = kind.make()
      end
      collect()
      refused({ saved.getfd }, saved, "attempt to use a closed " .. name)
      assert.equal("mcast." .. name .. " (closed)", tostring(saved))
      saved:close()
    end)
  end

  it("refuses addresses with bytes of any kind", function()
    local real <const> = mcast.address("10.0.0.1", 5)
    local bytes <const> = impostor.read(real)
    local sock <close> = assert(mcast.socket())
    for _, content in ipairs { ("\0"):rep(#bytes), ("\255"):rep(#bytes), bytes } do
      local fake <const> = impostor.make(#bytes, 0)
      impostor.write(fake, content)
      assert.is_false(pcall(sock.sendto, sock, "x", fake))
      assert.is_false(pcall(getmetatable(real).__index, fake, "host"))
      assert.is_false(pcall(getmetatable(real).__index, debug.setmetatable(fake, getmetatable(real)), "host"))
    end
  end)

  it("returns from random calls with forged addresses", function()
    local sock <close> = assert(mcast.socket())
    math.randomseed(7)
    local fakes <const> = {}
    for _, real in ipairs { mcast.address("10.0.0.1", 5), mcast.address("ff15::1", 5) } do
      local bytes <const> = impostor.read(real)
      for i = 1, 200 do
        local fake <const> = debug.setmetatable(impostor.make(#bytes, 0), getmetatable(real))
        local random <const> = bytes:sub(9):gsub(".", function()
          return math.random(3) == 1 and string.char(math.random(0, 255)) or nil
        end)
        impostor.write(fake, forge(bytes:sub(1, 8) .. random, place(real), place(fake)))
        fakes[i] = fake
        assert(tostring(fake) and fake.port and fake.family and type(fake < real) == "boolean")
        pcall(sock.sendto, sock, "x", fake)
        pcall(sock.join, sock, fake)
        pcall(sock.block, sock, fake, fakes[math.random(i)])
        pcall(mcast.address, fake, 5)
        pcall(mcast.socket, { host = fake })
      end
    end
  end)

  it("refuses sockets and monitors of the other network", function()
    local sock <close> = assert(mcast.socket())
    local monitor <close> = assert(mcast.monitor())
    local net <const> = sim.new {}
    local seen = 0
    net:node("a", function()
      local simulated <const> = require "mcast"
      for real, own in pairs { [sock] = assert(simulated.socket()), [monitor] = assert(simulated.monitor()) } do
        for key, f in pairs(getmetatable(own).__index) do
          assert(not pcall(f, real, 0), key)
          assert(not pcall(getmetatable(real).__index[key], own, 0), key)
          seen = seen + 1
        end
        assert(not pcall(simulated.poll, { real }, 0))
        assert(not pcall(simulated.address, mcast.address "10.0.0.1:5"))
      end
    end)
    net:run(1)
    assert.is_true(seen > 20)
  end)
end)
