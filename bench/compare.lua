-- Runs programs round after round, in each round one after the other, and prints tables of
-- medians in Markdown. Each round has another layout of the heap (MCAST_LAYOUT).
local compare = { lua = os.getenv "MCAST_LUA" or "lua5.4", rounds = 5, trial = false }

local STEP <const> = 272 -- bytes between two layouts: 16 of them are all over a page, and at all multiples of 16

-- Sets the number of rounds. 0 rounds are a short trial, whose figures mean nothing.
function compare.start(rounds)
  compare.trial = rounds == 0
  compare.rounds = math.max(rounds, 1)
end

-- Is a program here?
function compare.has(program)
  return os.execute(("command -v %s >/dev/null"):format(program))
end

-- A count of things to measure, which is small in a trial.
function compare.few(count, most)
  return compare.trial and math.min(count, most or 128) or count
end

-- The figures that a program prints, by name.
function compare.read(text)
  local figures <const> = {}
  for name, value in text:gmatch "([%w_]+) ([%d.-]+)" do
    figures[name] = tonumber(value)
  end
  return figures
end

-- Starts a command in a layout; returns a pipe with its output.
function compare.open(command, round)
  local layout <const> = (round or 0) * STEP % 4096
  return assert(io.popen(("MCAST_LAYOUT=%d timeout 120 %s"):format(layout, command)))
end

function compare.run(command, round)
  local pipe <const> = compare.open(command, round)
  local text <const> = pipe:read "a"
  assert(pipe:close(), command)
  return compare.read(text)
end

-- Runs a list of commands, or functions of the round, in each round; returns for each the
-- series of its figures, by name.
function compare.measure(list, rounds)
  local all <const> = {}
  for round = 1, compare.trial and 1 or rounds or compare.rounds do
    for i, command in ipairs(list) do
      local got <const> = type(command) == "string" and compare.run(command, round) or command(round)
      all[i] = all[i] or {}
      for name, value in pairs(got) do
        all[i][name] = all[i][name] or {}
        all[i][name][round] = value
      end
    end
  end
  return all
end

-- The ratios of a series to another, round by round.
function compare.ratios(series, base)
  local ratios <const> = {}
  for round, value in ipairs(series) do
    ratios[round] = value / base[round]
  end
  return ratios
end

-- A series by a function of each of its values.
function compare.map(series, f)
  local mapped <const> = {}
  for i, value in ipairs(series) do
    mapped[i] = f(value)
  end
  return mapped
end

local function sorted(series)
  local copy <const> = table.move(series, 1, #series, 1, {})
  table.sort(copy)
  return copy
end

function compare.median(series)
  return sorted(series)[#series // 2 + 1]
end

-- The median of a series in a format, and its least and most.
function compare.show(form, series)
  local values <const> = sorted(series)
  local least <const>, most <const> = form:format(values[1]), form:format(values[#values])
  return form:format(values[#values // 2 + 1]), least == most and least or least .. "-" .. most
end

function compare.row(...)
  print("| " .. table.concat({ ... }, " | ") .. " |")
end

-- Prints the heading of a table, whose columns are named.
function compare.head(title, ...)
  print(("\n%s\n"):format(title))
  compare.row(...)
  print(("| --- "):rep(select("#", ...)) .. "|")
end

return compare
