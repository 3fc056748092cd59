-- The seed that this process runs, where it runs one of a sweep, and the command that replays it.
local touch <const> = require "mcast.sim.touch"

local replay = {}

local current -- the seed that this process runs: {seed =, name =, env =, events =, counted =, touched =}

local function quote(text)
  return text:find "^[%w/._=:-]+$" and text or "'" .. text:gsub("'", "'\\''") .. "'"
end

local function assignment(words, name, value)
  if value then
    words[#words + 1] = ("%s=%s"):format(name, quote(tostring(value)))
  end
end

-- The command that started this process, with the environment of a seed.
function replay.command(run)
  local words, first = {}, 0
  for _, name in ipairs(run.env) do
    assignment(words, name, os.getenv(name))
  end
  assignment(words, "MCAST_SEED", run.seed)
  assignment(words, "MCAST_SWEEP", run.name)
  while arg and arg[first - 1] do
    first = first - 1
  end
  for i = first, arg and #arg or -1 do
    words[#words + 1] = quote(arg[i])
  end
  return "replay: " .. table.concat(words, " ")
end

-- The line that replays a net of this seed; within a sweep, the sweep's seed.
function replay.line(seed)
  return replay.command(current or { seed = seed, env = {} })
end

-- The seed that a sweep runs in this process, or nil.
function replay.seed()
  return current and current.seed
end

-- Called after each run of a net.
function replay.ran(net)
  if current then
    local before <const>, now <const> = current.counted[net] or 0, net.core:executed()
    current.counted[net] = now
    current.events = current.events + now - before
    for name, touched in pairs((touch.read(net))) do
      current.touched[name] = current.touched[name] or touched
    end
  end
end

-- From now on this process runs a seed of a sweep; returns its notes.
function replay.begin(plan, seed)
  current = { seed = seed, name = plan.name, env = plan.env, events = 0, counted = setmetatable({}, { __mode = "k" }),
    touched = {} }
  math.randomseed(seed)
  return current
end

-- Runs one seed of a sweep in this process. An error passes through, with its traceback.
function replay.run(plan, seed)
  local outer <const> = current
  local _ <close> = setmetatable({}, { __close = function() current = outer end })
  replay.begin(plan, seed)
  plan.scenario(seed)
end

return replay
