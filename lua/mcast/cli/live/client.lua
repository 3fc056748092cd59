-- A client of the live view: its request, and the answer as it goes out. No call waits for it.
local Client = {}
Client.__index = Client

local REQUEST <const> = 8192 -- bytes of a request at most

local HEADERS <const> = table.concat({ "Cache-Control: no-store", "X-Content-Type-Options: nosniff", "Connection: close",
  "Content-Security-Policy: default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; "
  .. "img-src data:" }, "\r\n")

local STATUS <const> = { [200] = "OK", [400] = "Bad Request", [403] = "Forbidden", [404] = "Not Found",
  [405] = "Method Not Allowed", [503] = "Service Unavailable" }

local function answer(self, code, kind, body)
  self.output = ("HTTP/1.1 %d %s\r\nContent-Type: %s\r\n%s\r\n%s\r\n%s"):format(code, STATUS[code], kind, HEADERS,
    body and ("Content-Length: %d\r\n"):format(#body) or "", body or "")
  self.answered = true
end

function Client:refuse(code)
  answer(self, code, "text/plain", STATUS[code] .. "\n")
end

-- Answers a request: the page, or the stream of its rows from a piece on.
local function respond(self, view)
  local method <const>, path <const> = self.input:match "^(%u+) (%S+) HTTP/1%.[01]\r\n"
  local host <const> = (self.input:lower():match "\r\nhost:[ \t]*(%S*)[ \t]*\r\n")
  if not method then
    self:refuse(400)
  elseif not view.allows(host) then
    self:refuse(403)
  elseif method ~= "GET" then
    self:refuse(405)
  elseif path == "/" then
    answer(self, 200, "text/html; charset=utf-8", view.page)
  elseif path == "/events" then
    answer(self, 200, "text/event-stream")
    self.streams = true
    self.piece = math.min(math.tointeger(tonumber(self.input:lower():match "\r\nlast%-event%-id:%s*(%d+)")) or 0,
      #view.pieces) + 1
  else
    self:refuse(404)
  end
end

-- Reads the bytes that have arrived. Returns nil where the client has gone.
function Client:read(view)
  local text <const>, why <const>, part <const> = self.socket:receive(REQUEST)
  local more <const> = text or part or ""
  if why == "closed" and not (more ~= "" and not self.answered) then
    return nil
  elseif self.answered then
    return true -- nothing more is expected
  end
  self.input = self.input .. more
  if self.input:find("\r\n\r\n", 1, true) then
    respond(self, view)
  elseif #self.input >= REQUEST then
    self:refuse(400)
  end
  return true
end

-- The next piece of a stream, or its end.
local function fill(self, view)
  local piece <const> = view.pieces[self.piece]
  if piece then
    self.output = ("id: %d\ndata: %s\n\n"):format(self.piece, piece)
    self.piece = self.piece + 1
  elseif view.ended and not self.ended then
    self.output, self.ended = "event: end\ndata:\n\n", true
  end
end

-- Has it something to send?
function Client:pending(view)
  if self.answered and self.output == "" and self.streams then
    fill(self, view)
  end
  return self.output ~= ""
end

-- Sends as much as the client has room for. Returns nil where it has gone, or has all.
function Client:write(view, now)
  while self:pending(view) do
    local last <const>, why <const>, partly <const> = self.socket:send(self.output)
    local sent <const> = last or partly or 0
    self.output = self.output:sub(sent + 1)
    self.heard = sent > 0 and now or self.heard
    if why == "closed" then
      return nil
    elseif self.output ~= "" then
      return true
    end
  end
  return self.streams and not self.ended or nil
end

local client = {}

function client.new(socket, now)
  socket:settimeout(0)
  return setmetatable({ socket = socket, input = "", output = "", heard = now }, Client)
end

return client
