-- The allowed differences of the networks, the rows of docs/differences.md: each has a rule that makes results equal.
local differences = {}

local rules <const> = {}

-- Ephemeral ports become P1, P2 ... in the order in which they appear.
function rules.ports(results)
  local names, count = {}, 0
  for k, text in ipairs(results) do
    results[k] = text:gsub("%f[%d]%d%d%d%d%d%f[%D]", function(digits)
      local port <const> = tonumber(digits)
      if port < 32768 or port > 60999 then return digits end
      if not names[digits] then
        count = count + 1
        names[digits] = "P" .. count
      end
      return names[digits]
    end)
  end
end

-- The time of a datagram is a time.
function rules.clock(results)
  for k, text in ipairs(results) do
    results[k] = text:gsub("time = %d[%d%.e+]*", "time = N"):gsub("nanoseconds = %d+", "nanoseconds = N")
  end
end

-- Addresses of tables and functions.
function rules.memory(results)
  for k, text in ipairs(results) do
    results[k] = text:gsub("0x%x+", "0x")
  end
end

-- Of several wrong options, any may be reported.
function rules.options(results, lines)
  for k, line in ipairs(lines) do
    if line.text:find "mcast.socket {.-=.-=" then
      results[k] = results[k]:gsub('^raises ".*option.*"$', "raises for an option")
    end
  end
end

-- The number of a socket's descriptor, in its text.
function rules.descriptors(results)
  for k, text in ipairs(results) do
    results[k] = text:gsub("mcast%.socket %(%d+%)", "mcast.socket (N)")
  end
end

local lo <const> = { '"lo"', "1", '"127.0.0.1"' }

-- Does a line name lo as an interface?
local function nameslo(text)
  for _, name in ipairs(lo) do
    if text:find("interface = " .. name, 1, true) or text:find('"interface", ' .. name, 1, true) then return true end
  end
  return text:find "%%lo" ~= nil
end

-- An IPv6 group with a source filter on lo: receipt is not compared.
function rules.filters(results, lines)
  local named, filtered = false, false
  for _, line in ipairs(lines) do
    named = named or nameslo(line.text)
    filtered = filtered or line.text:find "source = " ~= nil or line.text:find ":filter" ~= nil
      or line.text:find ":block" ~= nil
  end
  for k, line in ipairs(lines) do
    local receives <const> = line.text:find "drain" or line.text:find "rest" or line.text:find "messages"
      or line.text:find "recv" or line.text:find "poll" or line.text:find "iterate" or line.text:find "^flood"
      or line.text:find "^refill" or line.text:find "stats"
    if named and filtered and receives then results[k] = "not compared" end
  end
end

local function readlist()
  local list <const> = {}
  for line in io.lines "docs/differences.md" do
    local name <const> = line:match "^| `(%l+)` |"
    if name then list[#list + 1] = name end
  end
  return list
end

function differences.apply(lines, results)
  for _, name in ipairs(differences.list) do
    local rule <const> = rules[name] or error("no rule for the difference " .. name)
    rule(results, lines)
  end
  return results
end

differences.list = readlist()

return differences
