-- The comparison's hosts in namespaces: one is this process's, three have processes of their own.
local host <const> = require "spec.differential.host"
local interface <const> = require "spec.differential.interface"

local real = {}

local execute, close

local agents, stopped = {}, false

local function start(name)
  local folder <const> = assert(io.popen "mktemp -d"):read "l"
  local lua <const> = os.getenv "MCAST_LUA" or "lua5.4"
  local agent <const> = "spec/differential/agent.lua" .. (stopped and " restore" or "")
  assert(os.execute(("mkfifo %s/lines %s/results"):format(folder, folder)))
  local shell <const> = assert(io.popen(("nsenter --net=/run/netns/%s %s %s <%s/lines >%s/results & echo $!")
    :format(name, lua, agent, folder, folder)))
  local lines <const>, results <const> = assert(io.open(folder .. "/lines", "w")), assert(io.open(folder .. "/results"))
  os.execute("rm -r " .. folder)
  lines:setvbuf "line"
  return { process = shell:read "l", lines = lines, results = results }
end

local function ask(agent, line)
  agent.lines:write(line, "\n")
  return agent.results:read "l" or error("a host has ended at the line " .. line)
end

-- Starts the processes of three hosts, unless they run.
function real.start(count)
  if count == 1 or #agents > 0 then return end
  for i, name in ipairs { "one", "two", "three" } do agents[i] = start(name) end
end

-- After a program that did not end: ends those processes, and sets up all interfaces of this host.
function real.stop()
  for _, agent in ipairs(agents) do
    os.execute("kill " .. agent.process)
    agent.lines:close()
    agent.results:close()
  end
  agents, stopped = {}, true
  interface.restore(true)
end

-- Runs a program; returns the results of its lines.
function real.run(lines, count)
  local results <const> = {}
  if count == 1 then
    if not execute then execute, close = host.new(require "mcast", interface.set, interface.renumber) end
    for k, line in ipairs(lines) do results[k] = execute(line.text) end
    close()
    interface.restore()
    return results
  end
  real.start(count)
  for k, line in ipairs(lines) do results[k] = ask(agents[line.host], line.text) end
  for _, agent in ipairs(agents) do ask(agent, "close") end
  return results
end

return real
