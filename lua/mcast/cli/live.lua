-- The live view: a process beside the one that writes a trace reads it as it grows, and serves its picture. So no client can
-- delay the script.
local command <const> = require "mcast.sim.command"

local live = {}

local SCRIPT <const> = [[
<script>{
  const source = new EventSource("/events");
  source.onmessage = event => {
    mcast.rows(0, JSON.parse(event.data));
    document.body.dataset.live = event.lastEventId;
  };
  source.addEventListener("end", () => {
    source.close();
    mcast.update(true);
    document.body.dataset.live = "ended";
  });
}</script>]]

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

-- The words that started this program, up to its own script: read here, before it runs another one.
local program <const> = (function()
  local words <const>, list = command.words(), {}
  for i = 1, #words - #(arg or {}) do
    list[i] = quote(words[i])
  end
  return table.concat(list, " ")
end)()

-- Reads PORT or HOST:PORT; loopback unless a host is named.
function live.parse(text)
  local host, port = text:match "^%[?(.-)%]?:(%d+)$"
  if not host then
    host, port = "127.0.0.1", text:match "^%d+$"
  end
  port = math.tointeger(tonumber(port))
  if not port or port > 65535 or host == "" then
    return nil, ("PORT or HOST:PORT expected, got '%s'"):format(text)
  end
  return { host = host, port = port }
end

-- Raises where LuaSocket is missing.
function live.check()
  if not pcall(require, "socket") then
    error({ status = 1, message = "--live: luasocket is missing (apt-get install lua-socket, or luarocks install luasocket)" },
      0)
  end
end

-- The page of a trace without events, which asks for them.
local function page(title)
  local path <const> = os.tmpname()
  assert(require "mcast.timeline".write({}, path, { title = title }))
  local file <const> = assert(io.open(path, "rb"))
  local text <const> = file:read "a"
  file:close()
  os.remove(path)
  return (text:gsub("</body></html>%s*$", function(ending) return SCRIPT .. ending end))
end

-- Serves a trace file until Ctrl-C, or until the standard input ends where `guarded`.
function live.serve(path, address, options)
  live.check()
  local server <const> = require "mcast.cli.live.server"
  local feed <close> = require "mcast.cli.live.feed".open(path, options) or error({ status = 1, message = path .. ": no file" },
    0)
  if options.remove then
    os.remove(path)
  end
  local listening <const>, message <const> = server.open(address.host, address.port)
  if not listening then
    return 1, message
  end
  local host <const> = address.host:find ":" and "[" .. address.host .. "]" or address.host
  io.stderr:write(("live view: http://%s:%d/\n"):format(host, listening.port))
  local interrupt <const>, text <const> = require "mcast.cli.interrupt", page(options.title or path)
  if interrupt.run(server.run, listening, text, feed, options.guarded) and options.guarded then
    server.run(listening, text, feed, true) -- Ctrl-C is for the writer of the trace, which ends in its own time
  end
  server.finish(listening, feed)
end

-- Starts a process that serves a trace file while this process lives: closing the result, or the end of this process, ends it.
function live.start(path, address, options)
  live.check()
  local probe <const>, message <const> = require "socket".bind(address.host, address.port)
  if not probe then
    error({ status = 1, message = ("--live %s:%d: %s"):format(address.host, address.port, message) }, 0)
  end
  probe:close()
  local words <const> = { "exec", program, "timeline", quote(path), "--live", quote(address.host .. ":" .. address.port),
    "--guarded", options.remove and "--remove" or "", options.lines and "" or "--no-lines", "--title", quote(options.title) }
  return assert(io.popen(table.concat(words, " "), "w"))
end

-- Records this process and serves its picture, until the result is closed.
function live.record(address, title)
  local path <const> = os.tmpname()
  local recording <const> = assert(require "mcast.trace".start(path))
  local view <const> = live.start(path, address, { remove = true, title = title })
  return setmetatable({}, { __close = function()
    recording:close()
    view:close()
  end })
end

return live
