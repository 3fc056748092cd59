-- The responder of the live view: HTTP on one address, two fixed paths, server-sent events (WHATWG HTML, section 9.2). It
-- serves no file, and answers only requests for its own names, so that no other site's page can read it.
local client <const> = require "mcast.cli.live.client"
local socket <const> = require "socket"

local server = {}

local CLIENTS <const> = 32        -- at a time
local PATIENCE <const> = 30       -- seconds without progress of a client that has something to send or to receive
local EVERY <const> = 0.1         -- seconds between two looks at the trace
local GRACE <const> = 2           -- seconds for the rest, after the end

-- Is a Host header one of this server? A wildcard address allows numeric ones, which no name's owner can forge.
local function allowing(host, port)
  local names <const> = { localhost = true, ["127.0.0.1"] = true, ["[::1]"] = true, [host:lower()] = true,
    ["[" .. host:lower() .. "]"] = true }
  local wildcard <const> = host == "0.0.0.0" or host == "::"
  return function(text)
    local name <const>, number <const> = (text or ""):match "^(.-):?(%d*)$"
    local bare <const> = text and text:find "^%[.*%]$" and text or name
    local right <const> = number == tostring(port) or number == "" and port == 80
    return right and (names[bare] or wildcard and bare:find "^[%d.]+$" ~= nil or wildcard and bare:find "^%[[%x:.]+%]$" ~= nil)
      or false
  end
end

local function drop(self, one)
  one.socket:close()
  self.clients[one.socket] = nil
  self.count = self.count - 1
end

local function accept(self, now)
  local sock <const> = self.listener:accept()
  if sock then
    local one <const> = client.new(sock, now)
    self.clients[sock], self.count = one, self.count + 1
    if self.count > CLIENTS then
      one:refuse(503)
    end
  end
end

-- Sockets to read and to write, and clients that did nothing for too long are dropped.
local function wanted(self, now)
  local readers, writers = { self.listener, self.stdin }, {}
  for sock, one in pairs(self.clients) do
    local pending <const> = one:pending(self.view)
    if (pending or not one.answered) and now - one.heard > PATIENCE then
      drop(self, one)
    else
      one.heard = (pending or not one.answered) and one.heard or now
      readers[#readers + 1] = sock
      writers[#writers + 1] = pending and sock or nil
    end
  end
  return readers, writers
end

-- Serves the sockets that are ready, for some time at most.
local function step(self, timeout)
  local now <const> = socket.gettime()
  local readers <const>, writers <const> = wanted(self, now)
  local readable <const>, writable <const> = socket.select(readers, writers, timeout)
  for _, sock in ipairs(readable) do
    local one <const> = self.clients[sock]
    if sock == self.listener then
      accept(self, now)
    elseif sock == self.stdin then
      self.over = io.stdin:read(1) == nil
      self.stdin = nil
    elseif one and not one:read(self.view) then
      drop(self, one)
    end
  end
  for _, sock in ipairs(writable) do
    local one <const> = self.clients[sock]
    if one and not one:write(self.view, now) then
      drop(self, one)
    end
  end
end

-- Has a stream a piece to come?
local function isbusy(self)
  for _, one in pairs(self.clients) do
    if one.streams and (one:pending(self.view) or not one.ended) then
      return true
    end
  end
  return false
end

-- Opens it; returns nil and a message where the address is in use.
function server.open(host, port)
  local listener <const>, message <const> = socket.bind(host, port)
  if not listener then
    return nil, ("live view on %s:%d: %s"):format(host, port, message)
  end
  listener:settimeout(0)
  local _, number <const> = listener:getsockname()
  return { listener = listener, port = math.tointeger(tonumber(number)), host = host, clients = {}, count = 0 }
end

-- Serves a page and the pieces of a feed, until the standard input ends where `guarded`, or an error such as Ctrl-C.
function server.run(self, page, feed, guarded)
  self.view = { page = page, pieces = feed.pieces, allows = allowing(self.host, self.port) }
  self.stdin = guarded and { getfd = function() return 0 end, dirty = function() return false end } or nil
  repeat
    step(self, feed:pull() and 0 or EVERY)
  until self.over
end

-- Serves the rest.
function server.finish(self, feed)
  repeat until not feed:pull()
  self.view.ended, self.stdin = true, nil
  local till <const> = socket.gettime() + GRACE
  while isbusy(self) and socket.gettime() < till do
    step(self, EVERY)
  end
end

return server
