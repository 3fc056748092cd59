-- A host of the comparison, on either network: executes the lines of a program, and words their results so that both
-- networks' are the same text where they agree.
local host = {}

local function quote(text)
  if #text > 300 then
    return ("<%d bytes: %s>"):format(#text, text:sub(1, 4))
  end
  return (("%q"):format(text):gsub("\\\n", "\\n"))
end

local function sortkeys(a, b)
  if type(a) == type(b) then return a < b end
  return type(a) == "number"
end

-- Words a value: `sockets` are the program's, by number.
local function word(value, sockets)
  local kind <const> = type(value)
  if kind == "string" then
    return quote(value)
  elseif kind == "number" then
    return math.type(value) == "integer" and tostring(value) or ("%.6g"):format(value)
  elseif kind == "userdata" then
    for number, sock in pairs(sockets) do
      if rawequal(sock, value) then return "S" .. number end
    end
    return tostring(value):find "^mcast" and "a socket" or ("@%s(%s %s)"):format(value, value.family, value.multicast)
  elseif kind == "table" then
    local keys <const>, words <const> = {}, {}
    for key in pairs(value) do keys[#keys + 1] = key end
    table.sort(keys, sortkeys)
    for _, key in ipairs(keys) do
      words[#words + 1] = (type(key) == "number" and "" or key .. " = ") .. word(value[key], sockets)
    end
    return "{ " .. table.concat(words, ", ") .. " }"
  end
  return tostring(value)
end

local function wordresults(sockets, names, ok, ...)
  if not ok then
    return "raises " .. quote((tostring(...):gsub("^[^:]*:%d+: ", "")))
  end
  local words <const>, count <const> = {}, select("#", ...)
  for i = 1, count do
    local value <const> = select(i, ...)
    words[i] = i == 3 and (...) == nil and names[value] or word(value, sockets)
  end
  return table.concat(words, ", ")
end

-- Receives until there is no more: a list of { data, from }, or of messages.
local function drain(sock, method, wait)
  local list <const> = {}
  for _ = 1, 40 do
    local data <const>, from <const> = sock[method](sock, wait or 0.001)
    if not data then
      list[#list + 1] = from ~= "timeout" and from or nil
      break
    end
    list[#list + 1] = method == "recvfrom" and { data, from } or data
  end
  return list
end

-- A function that executes a line of a program and returns its result as text. `mcast` is the network's module,
-- `set` sets an interface up or down, `renumber` changes the addresses of eth1.
function host.new(mcast, set, renumber)
  local names <const>, S <const> = {}, {}
  for name, number in pairs(mcast.errno) do
    names[number] = names[number] and names[number] < name and names[number] or name
  end
  local environment <const> = setmetatable({ mcast = mcast, S = S, set = set, renumber = renumber }, { __index = _G })
  function environment.drain(i) return drain(S[i], "recvfrom") end
  function environment.rest(i) return S[i] and drain(S[i], "recvfrom", 0) end
  -- The same by recvmany. The kernel's lists are shorter than the simulator's, until it gives trains.
  function environment.lists(i, timeout, into)
    local all <const> = {}
    local list, from
    repeat
      list, from = S[i]:recvmany(timeout, into)
      for _, data in ipairs(list or {}) do all[#all + 1] = { data, from } end
    until not list
    return all, from
  end
  function environment.messages(i) return drain(S[i], "recvmsg") end
  function environment.groups(i)
    local list <const> = S[i]:groups()
    for _, group in ipairs(list) do table.sort(group.sources) end
    table.sort(list, function(a, b) return a.group .. a.interface < b.group .. b.interface end)
    return list
  end
  -- Sends so many datagrams, then counts those in the receive buffer of another socket.
  function environment.flood(i, count, size, j, ...)
    for _ = 1, count do
      local sent <const>, message <const> = S[i]:sendto(("x"):rep(size), ...)
      if not sent then return nil, message end
    end
    mcast.sleep(0.001)
    local received = 0
    while S[j]:recvfrom(0) do received = received + 1 end
    return received, S[j]:stats()
  end
  function environment.iterate(i)
    local list <const> = {}
    for data, from in S[i]:datagrams(0.001) do
      list[#list + 1] = { data, from }
      if #list == 40 then break end
    end
    return list
  end
  -- Sends, reads some, sends again, and counts the rest.
  function environment.refill(i, count, size, j, some, ...)
    for _ = 1, count do S[i]:sendto(("x"):rep(size), ...) end
    mcast.sleep(0.001)
    for _ = 1, some do S[j]:recvfrom(0) end
    return environment.flood(i, count, size, j, ...)
  end
  local monitor
  function environment.watch()
    monitor = monitor or assert(mcast.monitor())
  end
  -- All changes, sorted: Linux adds addresses of link scope a moment after an interface is up.
  function environment.changes()
    local list <const> = {}
    for _, change in ipairs(monitor and mcast.poll({ monitor }, 0.001) and monitor:read(0) or {}) do
      list[#list + 1] = ("%s %s %s"):format(change.kind, change.interface, change.address)
    end
    table.sort(list)
    return list
  end
  local function execute(line)
    local chunk <const>, message <const> = load("return " .. line, "=line", "t", environment)
    if not chunk then return "does not parse: " .. message end
    return wordresults(S, names, pcall(chunk))
  end
  local function close()
    for i in pairs(S) do
      S[i]:close()
      S[i] = nil
    end
    monitor = monitor and monitor:close()
  end
  return execute, close
end

return host
