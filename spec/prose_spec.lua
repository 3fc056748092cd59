-- The English of the repository: words that are not used, and the names of tests.
local helper <const> = require "spec.support.helper"

-- Files and folders that are checked.
local places <const> = { ".ci", ".github", "CHANGELOG.md", "Makefile", "README.md", "SECURITY.md", "bench", "bin", "config.ld",
  "docs", "examples", "lua", "spec", "src", "types" }

-- Patterns of lower-case text; none matches its own line here.
local forbidden <const> = { "%f[%w_]tol[d]%f[^%w_]", "%f[%w_]tel[l]s?%f[^%w_]", "%f[%w_]of w[h]ich%f[^%w_]",
  "%f[%w_]to w[h]ich%f[^%w_]", "%f[%w_]in t[u]rn%f[^%w_]", "%f[%w_]sha[l]l%f[^%w_]" }

-- A comment, an item of a list or a sentence that begins with this word.
local openings <const> = { "^%s*[-#/*>%d. ]*Wha[t] ", "[.?!:] Wha[t] ", "[%[\"'(]Wha[t] " }

local function files(place)
  return helper.check(("find %s -type f ! -path '*/corpus/*' ! -name '*.svg' | LC_ALL=C sort"):format(place)):gmatch "[^\n]+"
end

-- The lines of a place that match a pattern, as "file:line: text".
local function find(place, patterns, lower)
  local list = {}
  for path in files(place) do
    local n = 0
    for line in io.lines(path) do
      n = n + 1
      local text = lower and line:lower() or line
      for _, pattern in ipairs(patterns) do
        if text:find(pattern) then
          list[#list + 1] = ("%s:%d: %s"):format(path, n, line)
        end
      end
    end
  end
  return list
end

-- The name of the test that a line begins, if it does; "x" stands for each part that is
-- not literal.
local function name_of(line)
  local call = line:match "^%s*it(%(.*)$" or line:match '^%s*it (".*)$'
  local parts = call and (call:match '^(%(+".*), [%w_]+%(' or call:match '^%(*"[^"]*"' or "")
  local literals = {}
  for text in (parts or ""):gmatch '"([^"]*)"' do
    literals[#literals + 1] = text
  end
  return parts and table.concat(literals, " x "):gsub(" #slow", "")
end

-- The names of all tests that a function does not accept.
local function refused(accepts)
  local list, n = {}, 0
  for path in helper.check "find spec -name '*.lua'":gmatch "[^\n]+" do
    for line in io.lines(path) do
      local name = name_of(line)
      n = n + (name and 1 or 0)
      if name and not accepts(name) then
        list[#list + 1] = path .. ": " .. name
      end
    end
  end
  assert.is_true(n > 300, n)
  return list
end

helper.long("names of tests", function()
  it("begins with a verb in the third person", function()
    assert.same({}, refused(function(name) return name:find "^%l+s%f[^%w]" end))
  end)

  it("has at most 12 words", function()
    assert.same({}, refused(function(name) return select(2, name:gsub("%S+", "")) <= 12 end))
  end)
end)

helper.long("words", function()
  for _, place in ipairs(places) do
    it("avoids forbidden words in " .. place, function()
      assert.same({}, find(place, forbidden, true))
    end)

    it("begins no sentence with a relative clause in " .. place, function()
      assert.same({}, find(place, openings))
    end)
  end
end)
