-- The simulator: pairs and next in a node visit keys by type and value, as this model in Lua has it.
local helper <const> = require "spec.support.helper"
local play <const> = require "spec.support.play"

-- Globals of a spec are slow, and these are those of the process.
local assert <const>, ipairs <const>, next <const>, rawequal <const>, type <const> = assert, ipairs, next, rawequal, type
local pcall <const>, tostring <const>, mathtype <const> = pcall, tostring, math.type

local RANKS <const> = { boolean = 1, number = 2, string = 3, userdata = 4 }

local function before(a, b)
  local one <const>, other <const> = RANKS[type(a)], RANKS[type(b)]
  if one ~= other then
    return one < other
  elseif one == 1 then
    return b and not a
  end
  return a < b
end

-- The keys of a table in order: those that have one, then the others as Lua has them.
local function model(t)
  local keys, others = {}, {}
  for key in next, t do
    table.insert(RANKS[type(key)] and keys or others, key)
  end
  table.sort(keys, before)
  return table.move(others, 1, #others, #keys + 1, keys)
end

local TEXTS <const> = {
  "", "a", "\0", "a\0", "a\0b", "abcdefgh", "abcdefg", "abcdefghi", "abcdefgh\0", "\255", "zz", "10", "1",
}
local NUMBERS <const> = {
  math.maxinteger, math.mininteger, math.maxinteger - 1, 2 ^ 63, -2 ^ 63 * 1.5, math.huge, -math.huge,
  2 ^ 53, 2 ^ 53 + 1.0, 0.5, -0.5, -1, 0, 1e300, math.mininteger + 1, (1 << 53) + 1,
}

-- Tables of all sizes: lists with and without holes, records, sets of mixed keys.
local function draw(random, key)
  local t <const>, items <const> = {}, random(2) == 1 and random(0, 40) or 0
  for i = 1, items do
    t[i] = i
  end
  if random(4) == 1 and items > 0 then
    t[random(items)] = nil
  end
  for _ = 1, random(2) == 1 and random(0, random(2) == 1 and 5 or 60) or 0 do
    t[key()] = random(1000)
  end
  return t
end

local function keys(random, mcast)
  local kinds <const> = {
    function() return random(2) == 1 end,
    function() return random(-20, 60) end,
    function() return random(-20, 20) / 4 end,
    function() return NUMBERS[random(#NUMBERS)] end,
    function() return TEXTS[random(#TEXTS)] end,
    function() return ("k"):rep(random(0, 12)) .. random(30) end,
    function() return mcast.address("10.0.0." .. random(200), random(3)) end,
    function() return {} end,
    function() return random end,
  }
  local last = random(#kinds)
  return function()
    last = random(3) == 1 and random(#kinds) or last
    return kinds[last]()
  end
end

-- Addresses with the same value have no order.
local function unique(t)
  local seen = {}
  for key in next, t do
    local text <const> = type(key) == "userdata" and tostring(key)
    if text and seen[text] then
      t[key] = nil
    end
    seen[text or 1] = true
  end
  return t
end

local share <const> = helper.plain and 1 or 10 -- of the tables, under an instrument

local function run(rounds, check)
  local failed
  play({ function()
    local random <const> = math.random
    local functions <const> = { pairs = pairs, next = _G.next, random = random }
    for round = 1, rounds // share do
      local t <const> = unique(draw(random, keys(random, require "mcast")))
      local ok, message = pcall(check, t, functions)
      failed = not ok and ("round %d: %s"):format(round, message) or failed
      if failed then
        break
      end
    end
  end }, { budget = 100 })
  assert(not failed, failed)
end

local function same(expected, found)
  assert(#expected == #found, ("%d keys, not %d"):format(#found, #expected))
  for i, key in ipairs(expected) do
    assert(rawequal(key, found[i]) and mathtype(key) == mathtype(found[i]), ("%s, not %s"):format(found[i], key))
  end
end

describe("pairs in a node", function()
  it("visits the keys of random tables in order", function()
    run(3000, function(t, node)
      local found = {}
      for key, value in node.pairs(t) do
        assert(value == t[key])
        found[#found + 1] = key
      end
      same(model(t), found)
    end)
  end)

  it("visits them by next in order", function()
    run(3000, function(t, node)
      local found = {}
      local key, value = node.next(t)
      while key ~= nil do
        assert(value == t[key])
        found[#found + 1] = key
        key, value = node.next(t, key)
      end
      same(model(t), found)
    end)
  end)

  for way, start in pairs {
    pairs = function(t, node) return node.pairs(t) end,
    next = function(t, node) return node.next, t, nil end,
  } do
    it("leaves out keys that are removed during a traversal by " .. way, function()
      run(2000, function(t, node)
        local all <const>, found, expected, removed = model(t), {}, {}, {}
        for _, key in ipairs(all) do
          removed[key] = node.random(3) == 1 and all[node.random(#all)] or nil
        end
        local gone = {}
        for _, key in ipairs(all) do
          if not gone[key] then
            expected[#expected + 1] = key
            if removed[key] ~= nil then gone[removed[key]] = true end
          end
        end
        for key in start(t, node) do
          found[#found + 1] = key
          if removed[key] ~= nil then t[removed[key]] = nil end
        end
        same(expected, found)
      end)
    end)

    it("visits keys that are assigned, cleared and set during one by " .. way, function()
      run(1000, function(t, node)
        local all <const>, found = model(t), {}
        for key, value in start(t, node) do
          found[#found + 1] = key
          local other <const> = all[node.random(#all)]
          t[key], t[other] = nil, t[other]
          t[key] = value
        end
        same(all, found)
      end)
    end)

    it("traverses a table within a traversal of it by " .. way, function()
      run(200, function(t, node)
        local all <const>, found = model(t), {}
        for key in start(t, node) do
          found[#found + 1] = key
          local inner = {}
          for other in node.pairs(t) do
            inner[#inner + 1] = other
          end
          same(all, inner)
        end
        same(all, found)
      end)
    end)
  end

  it("leaves out keys that are added during a traversal", function()
    run(1000, function(t, node)
      local all <const>, found = model(t), {}
      for key in node.pairs(t) do
        found[#found + 1] = key
        if #found < 9 then
          t["added" .. #found], t[#t + 1], t[-99.5 - #found] = true, true, true
        end
      end
      same(all, found)
    end)
  end)

  it("visits alike a table with the keys of another one", function()
    run(500, function(t, node)
      local copy, found = {}, {}
      for key in node.pairs(t) do
        copy[key] = true
      end
      for _ = 1, 3 do
        found = {}
        for key in node.pairs(copy) do
          found[#found + 1] = key
        end
        for i, key in ipairs(model(copy)) do
          assert(not RANKS[type(key)] or rawequal(found[i], key))
        end
      end
      assert(#found == #model(t))
    end)
  end)

  it("lets a table that was traversed be collected", function()
    local collect <const> = collectgarbage -- a node's does nothing
    local printed <const> = play { function()
      local weak <const> = setmetatable({}, { __mode = "k" })
      local function traverse()
        local set <const>, record <const> = { [{}] = true, [print] = true }, { a = 1, b = 2, [0.5] = 3 }
        weak[set], weak[record] = true, true
        for key in pairs(set) do weak[key] = type(key) == "table" or nil end
        for _ in pairs(record) do end
        local key = _G.next(record)
        while key ~= nil do key = _G.next(record, key) end
      end
      traverse()
      table.unpack({}, 1, 40) -- into the registers of that call
      collect()
      print((_G.next(weak)))
    end }
    assert.same({ n1 = { "nil" } }, printed)
  end)
end)
