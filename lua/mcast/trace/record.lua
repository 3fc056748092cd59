-- The recording of this process: its file, and its start and end.
local check <const> = require "mcast.check"
local file <const> = require "mcast.trace.file"

local record = {}

local Recording <const> = {}
Recording.__index = Recording
Recording.__name = "mcast.trace.recording"

local current -- the recording that goes on

local function readline(path)
  local input <close> = io.open(path)
  return input and input:read "l"
end

local function hostname()
  local name = readline "/proc/sys/kernel/hostname"
  if not name then
    local pipe <close> = io.popen "uname -n"
    name = pipe and pipe:read "l"
  end
  return name or "localhost"
end

local function addresses(mcast)
  local list = {}
  for _, interface in ipairs(mcast.interfaces() or {}) do
    for _, one in ipairs(interface.addresses) do
      list[#list + 1] = (one:gsub("%%.*", ""))
    end
  end
  return list
end

local function makeheader(options, now)
  local arguments <const> = _G.arg or {}
  local host <const> = hostname()
  local script <const> = tostring(arguments[0] or "lua"):match("([^/]+)$"):gsub("%.lua$", "")
  local list = {}
  for i = 1, #arguments do
    list[i] = tostring(arguments[i])
  end
  local pid <const> = readline "/proc/self/stat"
  return { node = options.node or os.getenv "MCAST_NODE" or script .. "@" .. host, host = host, epoch = now,
    pid = pid and math.tointeger(tonumber(pid:match "^%d+")), addresses = addresses(require "mcast"), arguments = list,
    clock = readline "/proc/sys/kernel/random/boot_id" or host }
end

-- The time of day now, in nanoseconds since 1970.
record.clock = require "mcast.clock"

function record.isgoing()
  return current ~= nil
end

-- Records an event, at the time of day in nanoseconds since 1970.
function record.put(time, event)
  local self <const> = current
  if self then
    local ok <const>, message <const>, errno <const> = self.file:write(file.line(time - self.epoch, event))
    if not ok and not self.failed then
      self.failed = { message, errno }
    end
  end
end

-- Ends the recording with an event.
function record.finish(kind, reason)
  local self <const> = current
  if self then
    require "mcast.trace.output".flush()
    record.put(record.clock(), { kind = kind, reason = reason })
    current = nil
    local ok <const>, message <const>, errno <const> = self.file:close()
    if not ok and not self.failed then
      self.failed = { message, errno }
    end
  end
end

function Recording:close()
  if current == self then
    record.finish "end"
  end
  if self.failed then
    return nil, ("%s: %s"):format(self.path, self.failed[1]), self.failed[2]
  end
  return true
end

Recording.__close = Recording.close
Recording.__gc = Recording.close -- at the end of the process, if it was not ended before

function record.start(path, options)
  check.expect(not current, "a recording goes on already, to %s", current and current.path)
  local output <const>, message <const>, errno <const> = io.open(path, "wb")
  if not output then
    return nil, message, errno
  end
  output:setvbuf "line" -- a crash leaves whole events
  local now <const> = record.clock()
  local ok <const>, why <const>, code <const> = output:write(file.header(makeheader(options, now)))
  if not ok then
    output:close()
    return nil, ("%s: %s"):format(path, why), code
  end
  require "mcast.trace.sockets".install()
  require "mcast.trace.output".install()
  current = setmetatable({ file = output, path = path, epoch = now }, Recording)
  record.put(now, { kind = "start" })
  return current
end

return record
