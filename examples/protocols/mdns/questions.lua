-- Questions of multicast DNS (RFC 6762) and service discovery (RFC 6763): which services are there, and where is one?
-- usage: local questions <const> = dofile "mdns/questions.lua" (loop, dns, send), as mdns.lua does
local mcast <const>, wire <const> = require "mcast", require "mcast.wire"
local MOST_FOUND <const>, MOST_KNOWN <const> = 1000, 20 -- services that are remembered, and known answers in a query

return function(loop, dns, send)
  local questions <const> = { hear = function() end } -- `hear` is called with each record of a response
  local is_address <const> = { [dns.A] = true, [dns.AAAA] = true }

  -- Asks soon, and again after 1, 2, 4 ... seconds: section 5.2.
  local function ask(query)
    local wait = 0.5
    loop:after(0.02 + 0.1 * math.random(), function()
      send(dns.QUERY, query())
      wait = math.min(2 * wait, 3600)
      return wait
    end)
  end

  -- Prints a line for each service that comes ("+") or goes ("-"): it said goodbye, or was not heard of for so long.
  function questions.browse(type)
    local name <const>, found <const>, count = dns.parse(type), {}, 0
    local function remember(record)
      if found[record.data] then
        found[record.data].timer:cancel()
      else
        count = count + 1
        print("+ " .. dns.text(record.data))
      end
      local timer <const> = loop:after(math.max(record.ttl, 1), function() -- a goodbye counts a second later: section 10.1
        found[record.data], count = nil, count - 1
        print("- " .. dns.text(record.data))
      end)
      found[record.data] = { ttl = record.ttl, till = mcast.now() + record.ttl, timer = timer }
    end
    function questions.hear(record)
      local isnew <const> = not found[record.data]
      if record.kind == dns.PTR and record.key == name:lower() and not (isnew and (record.ttl == 0 or count == MOST_FOUND)) then
        remember(record)
      end
    end
    ask(function()
      local known <const> = {} -- they need no answer: section 7.1
      for data, service in pairs(found) do
        local left <const> = math.floor(service.till - mcast.now())
        if left > service.ttl / 2 and #known < MOST_KNOWN then known[#known + 1] = dns.record(name, dns.PTR, left, data) end
      end
      return { { name = name, kind = dns.PTR } }, known
    end)
  end

  -- Prints host, addresses, port and text of a service, or the addresses of a host, and ends.
  function questions.resolve(text)
    local name <const>, isservice <const> = dns.parse(text), text:find "_%w" ~= nil
    local target, port, info, addresses = not isservice and name, nil, not isservice, {}
    local function finish()
      if info and loop.running then
        local service <const> = isservice and " " .. port .. dns.printable(info) or ""
        print(dns.text(target) .. " " .. table.concat(addresses, " ") .. service)
        loop:stop()
      end
    end
    function questions.hear(record)
      if record.key == name:lower() and record.kind == dns.SRV then
        port, target = (">I2"):unpack(record.data, 5), record.data:sub(7)
      elseif record.key == name:lower() and record.kind == dns.TXT then
        info = ""
        for item in wire.each("s1", record.data) do info = info .. " " .. item end
      elseif is_address[record.kind] and target and record.key == target:lower() and #addresses < 9 then
        addresses[#addresses + 1] = wire.ntop(record.data)
        loop:after(0, finish) -- other addresses are in the same message
      end
    end
    ask(function()
      local kinds <const> = target and info and { dns.A, dns.AAAA } or { dns.SRV, dns.TXT }
      local asked <const> = target and info and target or name
      return { { name = asked, kind = kinds[1] }, { name = asked, kind = kinds[2] } }
    end)
  end

  return questions
end
