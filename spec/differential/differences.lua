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
