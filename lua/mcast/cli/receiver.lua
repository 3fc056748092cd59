-- Receives the datagrams of several groups, for listen and record.
local group <const> = require "mcast.cli.group"
local interrupt <const> = require "mcast.cli.interrupt"
local mcast <const> = require "mcast"
local output <const> = require "mcast.cli.output"
local value <const> = require "mcast.cli.value"

local receiver = {}

local ROUND <const> = 64 -- datagrams of a socket that are received before the others have their turn
local REST <const> = 0.2 -- seconds, at most, for the datagrams that wait after Ctrl-C

-- Adds the arguments and options that are the same for all who receive.
function receiver.options(parser)
  parser:argument("groups", ("GROUP[:PORT][%%IF] or SOURCE@GROUP[:PORT][%%IF]; port %d by default."):format(group.PORT))
    :args "+":convert(group.parse)
  parser:option("--count", "End after so many datagrams."):convert(value.integer(1))
  parser:option("--for", "End after so many seconds."):target "seconds":convert(value.positive "seconds")
  parser:option("--interface", "Name, index or address, where a group names none; default: by route.")
  parser:option("--rcvbuf", "Bytes of the receive buffer of each group."):convert(value.integer(1, 0x7fffffff))
end

local function fail(message)
  error({ status = 1, message = message }, 0)
end

-- Opens a socket that joins a group. It is bound to the group: bound to any address it could receive the unicast of another
-- program that shares the port.
local function open(one, args)
  local port <const> = one.port or group.PORT
  local interface <const> = one.interface or args.interface
  local zoned <const> = interface and mcast.address(one.group .. "%" .. interface, port) -- where it has link scope
  local sock, message = mcast.socket { host = zoned or one.group, port = port, family = one.family, interface = interface,
    rcvbuf = args.rcvbuf, metadata = true }
  local joined
  if sock then
    joined, message = sock:join(one.group, { source = one.source })
  end
  if not joined then
    fail(message)
  end
  local name <const> = tostring(mcast.address(one.group, port))
  return { sock = sock, group = one.group, port = port, name = name, dropped = 0,
    news = ("mcast: joined %s%s on %s\n"):format(one.source and one.source .. "@" or "", name, output.printable(joined)) }
end

-- Joins the groups of the command line; returns a list of {sock, group, port, name}, which has the closing method.
function receiver.open(args)
  local list <const> = setmetatable({}, { __close = function(self)
    for _, one in ipairs(self) do
      one.sock:close()
    end
  end })
  for i, one in ipairs(args.groups) do
    list[i] = open(one, args)
  end
  return list
end

-- Receives from a socket, until there is nothing more for now, into a list.
local function drain(one, batch, most)
  for _ = 1, most do
    local msg <const>, message <const>, errno <const> = one.sock:recvmsg(0)
    if msg then
      msg.at = one
      batch[#batch + 1] = msg
    elseif errno == mcast.errno.ETIMEDOUT then
      return
    else
      fail(message)
    end
  end
end

local function earlier(a, b)
  return a.nanoseconds < b.nanoseconds
end

-- Reads the datagrams that are ready, by the times of their receipt.
local function read(self, ready)
  self.batch, self.next = {}, 1
  for _, sock in ipairs(ready) do
    drain(self.owners[sock], self.batch, math.min(ROUND, self.left))
  end
  if #ready > 1 then
    table.sort(self.batch, earlier)
  end
end

-- Passes on the datagrams that were read; after Ctrl-C, the rest of them.
local function pass(self)
  while self.next <= #self.batch and self.left > 0 do
    self.next, self.left = self.next + 1, self.left - 1
    self.accept(self.batch[self.next - 1])
  end
end

-- Receives until a deadline, or until nothing has come for so many seconds.
local function collect(self, deadline, patience)
  pass(self)
  while self.left > 0 and mcast.now() < deadline do
    local ready <const>, message <const>, errno <const> = mcast.poll(self.sockets, math.min(deadline - mcast.now(), patience))
    if ready then
      read(self, ready)
      pass(self)
    elseif errno ~= mcast.errno.ETIMEDOUT then
      fail(message)
    elseif patience == 0 then
      return
    end
    if self.settle then
      self.settle()
    end
  end
end

-- Calls accept(datagram) for each datagram, until args.count of them or args.seconds are over, or Ctrl-C; and settle(), if
-- there is one, after those that came together, and once a second. Datagrams that came before Ctrl-C are among them.
function receiver.run(list, args, accept, settle)
  local self <const> = { sockets = {}, owners = {}, batch = {}, next = 1, left = args.count or math.huge, accept = accept,
    settle = settle }
  for i, one in ipairs(list) do
    self.sockets[i], self.owners[one.sock] = one.sock, one
  end
  local function announce_and_collect() -- whoever reads the lines may press Ctrl-C at once
    for _, one in ipairs(list) do
      io.stderr:write(one.news)
    end
    collect(self, mcast.now() + (args.seconds or math.huge), settle and 1 or math.huge)
  end
  if interrupt.run(announce_and_collect) then
    collect(self, mcast.now() + REST, 0)
  end
end

-- The datagrams that the kernel dropped, as the receive buffers were full.
function receiver.dropped(list)
  local sum = 0
  for _, one in ipairs(list) do
    sum = sum + (one.sock:stats().dropped or 0)
  end
  return sum
end

return receiver
