-- Compares programs that do not end, on either network, each followed by one that does; prints a line for each.
-- usage: spec/private-network spec/differential/network lua spec/differential/endless.lua
local compare <const> = require "spec.differential.compare"

local function check(hosts, ...)
  local lines <const> = {}
  for k, text in ipairs { ... } do lines[k] = { host = hosts, text = text } end
  return (compare.check(lines, hosts, 2) or "same"):match "[^\n]*"
end

for _, hosts in ipairs { 1, 3 } do
  print("real", hosts, check(hosts, 'set("eth0", false)', "mcast.socket():recvfrom()"))
  print("next", hosts, check(hosts, "mcast.interfaces()"))
  print("simulated", hosts, check(hosts, [[mcast.now() < 1 and ("x"):rep(40):find(("x-"):rep(40) .. "y")]]))
  print("next", hosts, check(hosts, "mcast.interfaces()"))
end
