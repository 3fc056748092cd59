-- The parameters of a run, drawn from its seed (swarm testing: Groce et al., 2012).
local check <const> = require "mcast.check"
local draws <const> = require "mcast.sim.sweep.draws"
local locale <const> = require "mcast.locale"
local words <const> = require "mcast.sim.sweep.words"

local vary = {}

local LEFT_OUT <const> = 0.5 -- the share of runs without a fault, as Groce et al. have it

--
-- Forms: {low, high}, {low, high, log = true}, {0, low, high, log = true}, a list of values, {some = list of values}.
--

local function isnumber(value)
  return type(value) == "number" and value - value == 0
end

local function isvalue(value)
  return isnumber(value) or type(value) == "string" or type(value) == "boolean"
end

local function isvalues(list)
  if not check.list.accepts(list) or #list == 0 then
    return false
  end
  for _, value in ipairs(list) do
    if not isvalue(value) then
      return false
    end
  end
  return true
end

-- Is the width of a range one that can be drawn from?
local function iswidth(width)
  return width >= 0 and (math.type(width) == "integer" and width < 2 ^ 53 or width < math.huge and math.type(width) == "float")
end

-- A range as {low =, high =, log =, zero = the 0 that it may also be}; nil for another form.
function vary.range(form)
  local count <const> = #form
  local low <const>, high <const> = form[count - 1], form[count]
  if count ~= 2 and not (count == 3 and form.log and form[1] == 0) or not (isnumber(low) and isnumber(high)) then
    return nil
  end
  if iswidth(high - low) and (not form.log or low > 0) then
    return { low = low, high = high, log = form.log, zero = form[1] == 0 and form[1] }
  end
end

local keys <const> = { log = true, some = true }

local function isform(form)
  if type(form) ~= "table" then
    return false
  end
  local list <const> = {}
  for key, value in next, form do
    if math.type(key) == "integer" then
      list[key] = value
    elseif not keys[key] then
      return false
    end
  end
  if form.some ~= nil then
    return #list == 0 and not form.log and isvalues(form.some)
  end
  local plain <const> = isvalues(list) and (form.log == nil or form.log == true)
  local two <const> = #list == 2 and isnumber(list[1]) and isnumber(list[2])
  return plain and (not (form.log or two) or vary.range(form) ~= nil)
end

local FORM <const> = "{least, most}, a list of values, or {some = list of values}"

-- Why is this no form of parameters?
local function reason(name, form)
  if type(name) ~= "string" or not name:find "^[%a_][%w_]*$" then
    return ("name = %s expected, got the name %s"):format(FORM, check.shown(name))
  elseif type(form) == "table" and form.log and isnumber(form[1]) and form[1] <= 0 then
    return ("%s: a logarithmic range begins above 0; {0, least, most, log = true} draws 0, too"):format(name)
  elseif type(form) == "table" and isnumber(form[1]) and isnumber(form[2]) and form[1] < form[2] then
    return ("%s: the range is too wide; one of integers has less than 2^53, one of floats less than 1.8e308"):format(name)
  end
  return ("%s = %s expected, got %s"):format(name, FORM, check.shown(form))
end

vary.kind = check.kind("table of names, each with " .. FORM .. ",", function(value)
  if type(value) ~= "table" or next(value) == nil then
    return false
  end
  for name, form in next, value do
    if type(name) ~= "string" or not name:find "^[%a_][%w_]*$" or not isform(form) then
      return false, reason(name, form)
    end
  end
  return true
end)

--
-- Drawing
--

-- Of a logarithmic distribution, by bisection: sqrt is the same on all systems, exp is not.
local function logarithmic(low, high, u)
  for _ = 1, 53 do
    local middle <const> = math.sqrt(low) * math.sqrt(high)
    u = 2 * u
    if u >= 1 then
      low, u = middle, u - 1
    else
      high = middle
    end
  end
  return low
end

-- A float of few digits: as many as a hundredth of the range needs, three at least.
local function rounded(value, low, high)
  local result
  for digits = 3, 17 do
    result = tonumber(("%." .. digits .. "g"):format(value))
    if math.abs(result - value) <= (high - low) / 100 then
      break
    end
  end
  return math.max(low, math.min(high, result)) + 0.0
end

local function drawrange(range, random)
  local low, high <const> = range.low, range.high
  local integer <const> = math.type(low) == "integer" and math.type(high) == "integer"
  if random() < LEFT_OUT and range.zero then
    return range.zero
  elseif integer then
    low = range.zero and math.min(math.max(low, 1), high) or low
    local u <const> = random()
    local drawn <const> = range.log and logarithmic(low, high + 1.0, u) // 1 or low + math.floor(u * (high - low + 1))
    return math.tointeger(math.max(low, math.min(high, drawn)))
  end
  return rounded(range.log and logarithmic(low, high, random()) or low + random() * (high - low), low, high)
end

local function pick(list, random)
  return list[1 + math.floor(random() * #list)]
end

-- Some of the values of a list, at least one, in their order.
local function drawsome(list, random)
  local chosen = {}
  for _, value in ipairs(list) do
    if random() >= LEFT_OUT then
      chosen[#chosen + 1] = value
    end
  end
  return chosen[1] ~= nil and chosen or { pick(list, random) }
end

local function draw(form, random)
  local range <const> = not form.some and vary.range(form)
  return form.some and drawsome(form.some, random) or range and drawrange(range, random) or pick(form, random)
end

-- The values that MCAST_VARY sets, by name.
local function given()
  local p <const>, wrong = words.read(os.getenv "MCAST_VARY" or "")
  return check.expect(p, "MCAST_VARY: name=value expected, got '%s'", wrong)
end

-- The names that MCAST_VARY sets, but the forms lack.
function vary.strangers(forms)
  local list = {}
  for name in pairs(given()) do
    list[#list + 1] = not (forms and forms[name]) and name or nil
  end
  table.sort(list)
  return list
end

-- A value of a form, with the noun for such a value.
local function example(form)
  if form.some then
    return "list", form.some
  elseif vary.range(form) then
    return "number", form[#form]
  end
  return "value of the list", form[1]
end

-- Raises for a value that is not of the type of those that its form draws.
local function checkgiven(name, form, value)
  local noun <const>, one <const> = example(form)
  local fits = type(value) == type(one)
  for _, other in ipairs(noun == "value of the list" and form or {}) do
    fits = fits or type(value) == type(other)
  end
  check.expect(fits, "MCAST_VARY: %s, such as %s, expected, got '%s'", noun, words.text { [name] = one },
    words.text { [name] = value })
end

-- The parameters of a seed: drawn, save those that the environment variable MCAST_VARY names; nil where there are none.
function vary.draw(forms, seed)
  if not forms and (os.getenv "MCAST_VARY" or "") == "" then
    return nil
  end
  local _ <close> = locale.plain()
  local p <const> = given()
  for name, form in pairs(forms or {}) do
    if p[name] == nil then
      p[name] = draw(form, draws.stream(seed, name))
    else
      checkgiven(name, form, p[name])
    end
  end
  return p
end

return vary
