-- The comparison's hosts in namespaces: one is this process's, three have processes of their own.
local host <const> = require "spec.differential.host"
local interface <const> = require "spec.differential.interface"

local real = {}

local execute, close

local agents = {}

local function start(name)
  local folder <const> = assert(io.popen "mktemp -d"):read "l"
  local lua <const> = os.getenv "MCAST_LUA" or "lua5.4"
  assert(os.execute(("mkfifo %s/lines %s/results"):format(folder, folder)))
  assert(os.execute(("nsenter --net=/run/netns/%s %s spec/differential/agent.lua <%s/lines >%s/results &")
    :format(name, lua, folder, folder)))
  local agent <const> = { lines = assert(io.open(folder .. "/lines", "w")),
    results = assert(io.open(folder .. "/results")) }
  os.execute("rm -r " .. folder)
  agent.lines:setvbuf "line"
  return agent
end

local function ask(agent, line)
  agent.lines:write(line, "\n")
  return agent.results:read "l" or error("a host has ended at the line " .. line)
end

-- Runs a program; returns the results of its lines.
function real.run(lines, count)
  local results <const> = {}
  if count == 1 then
    if not execute then execute, close = host.new(require "mcast", interface.set) end
    for k, line in ipairs(lines) do results[k] = execute(line.text) end
    close()
    interface.restore()
    return results
  end
  if #agents == 0 then
    for i, name in ipairs { "one", "two", "three" } do agents[i] = start(name) end
  end
  for k, line in ipairs(lines) do results[k] = ask(agents[line.host], line.text) end
  for _, agent in ipairs(agents) do ask(agent, "close") end
  return results
end

return real
