-- Sends a file to ten receivers by examples/protocols/reliable.lua and by uftp, one after the other, on a LAN of namespaces.
-- usage, as root: spec/private-network lua5.4 bench/reliable.lua [megabytes [megabytes a second [row]]]
-- Every receiver loses 5 % of what it receives. Each datagram is on the wire alone, also those of a train.
local mcast <const> = require "mcast"

local megabytes <const>, rate <const> = tonumber(arg[1] or 100), tonumber(arg[2] or 5)
local RECEIVERS <const>, LOSS <const> = 10, 0.05
local script <const> = "examples/protocols/reliable.lua --interface eth0 --grtt 0.02 "

local function shell(command, ...)
  local pipe <const> = assert(io.popen(command:format(...) .. " 2>&1"))
  local output <const> = pipe:read "a"
  assert(pipe:close(), command .. ": " .. output)
  return output
end

local folder <const> = shell("mktemp -d"):match "%S+"
shell("mount -t tmpfs none %s", folder) -- so that no disk is measured

-- Programs in the background, by name, until they end or are killed.
local function start(name, namespace, command, environment)
  local pipe <const> = assert(io.popen(("echo $$; exec ip netns exec %s env %s %s >%s/%s.log 2>&1"):format(namespace,
    environment or "", command, folder, name)))
  return { pipe = pipe, pid = pipe:read "l" }
end

local function kill(program, signal)
  shell("kill -%s %s; true", signal, program.pid)
  program.pipe:close()
end

-- The sender and the receivers are hosts on a bridge.
local function build()
  shell("mount -t tmpfs none /run && mkdir /run/netns && ip link add lan type bridge mcast_snooping 0 && ip link set lan up")
  for i = 0, RECEIVERS do
    local host <const> = "h" .. i
    shell("ip netns add %s && ip link add %s type veth peer name eth0 netns %s", host, host, host)
    shell("ip link set %s master lan up gso_max_segs 1 && ip -n %s link set lo up", host, host)
    shell("ip -n %s addr add 10.9.0.%d/24 dev eth0 && ip -n %s link set eth0 up gso_max_segs 1", host, i + 1, host)
    shell("ip -n %s route add 224.0.0.0/4 dev eth0", host)
  end
end

-- Bytes and datagrams that the hosts have sent.
local function count()
  local bytes, packets = 0, 0
  for i = 0, RECEIVERS do
    local b <const>, p <const> = shell(
      "ip netns exec h%d cat /sys/class/net/eth0/statistics/tx_bytes /sys/class/net/eth0/statistics/tx_packets", i)
      :match "(%d+)%s+(%d+)"
    bytes, packets = bytes + b, packets + p
  end
  return bytes, packets
end

local function drop(rule)
  for i = 1, RECEIVERS do
    shell("ip netns exec h%d iptables -%s INPUT -p udp -m statistic --mode random --probability %g -j DROP", i, rule, LOSS)
  end
end

local function wait(path)
  local till <const> = mcast.now() + 120
  while not io.open(path) do assert(mcast.now() < till, path) mcast.sleep(0.05) end
end

local function received(i) return ("%s/%d/file"):format(folder, i) end

-- Runs a transfer, which returns the time when the last receiver had the file.
local function transfer(run)
  for i = 1, RECEIVERS do shell("rm -rf %s/%d && mkdir %s/%d", folder, i, folder, i) end
  local bytes <const>, packets <const> = count()
  local begin <const> = mcast.now()
  local last <const> = run()
  local seconds <const>, whole = mcast.now() - begin, 0
  local bytes_after <const>, packets_after <const> = count()
  local sum <const> = shell("sha256sum <%s/file", folder)
  for i = 1, RECEIVERS do whole = whole + (shell("sha256sum <%s", received(i)) == sum and 1 or 0) end
  return { whole = whole, last = last - begin, seconds = seconds, bytes = bytes_after - bytes,
    packets = packets_after - packets }
end

-- Our own transfer. Options: `inside`: loss by mcast.impair; `late` and `killed`: seconds at which the last receiver begins,
-- and at which the first one is killed, to begin again a second later.
local function ours(options)
  local function receiver(i)
    local command <const> = ("lua5.4 %s %s receive %s"):format(options.inside and "-l mcast.impair" or "", script, received(i))
    return start("receiver-" .. i, "h" .. i, command, options.inside and ("MCAST_IMPAIR=loss=%g,seed=%d"):format(LOSS, i))
  end
  return transfer(function()
    local programs <const> = {}
    for i = 1, RECEIVERS - (options.late and 1 or 0) do programs[i] = receiver(i) end
    mcast.sleep(0.5)
    local sender <const> = start("sender", "h0", ("lua5.4 %s --rate %d send %s/file"):format(script, rate * 1e6 // 1, folder))
    if options.late then
      mcast.sleep(options.killed)
      kill(programs[1], "KILL")
      mcast.sleep(1)
      programs[1] = receiver(1)
      mcast.sleep(math.max(0, options.late - options.killed - 1))
      programs[RECEIVERS] = receiver(RECEIVERS)
    end
    for i = 1, RECEIVERS do wait(received(i)) end
    local last <const> = mcast.now()
    for i = 1, RECEIVERS do programs[i].pipe:close() end
    sender.pipe:close()
    return last
  end)
end

local function uftp()
  return transfer(function()
    local programs <const> = {}
    for i = 1, RECEIVERS do
      programs[i] = start("uftpd-" .. i, "h" .. i, ("uftpd -d -I eth0 -B 4194304 -D %s/%d -L %s/uftpd-%d.txt"):format(
        folder, i, folder, i))
    end
    mcast.sleep(0.5)
    start("uftp", "h0", ("uftp -I eth0 -B 4194304 -b 1400 -R %d %s/file"):format(rate * 8000 // 1, folder)).pipe:close()
    local last <const> = mcast.now()
    for i = 1, RECEIVERS do kill(programs[i], "TERM") end
    return last
  end)
end

local function under_iptables(f, ...)
  drop "A"
  local result <const> = f(...)
  drop "D"
  return result
end

-- The rows of the table: names, and functions that make them.
local rows <const> = {
  { "impair", "`reliable.lua`, loss by `mcast.impair`", function() return ours { inside = true } end },
  { "iptables", "`reliable.lua`, loss by iptables", function() return under_iptables(ours, {}) end },
  { "late", "the same as the first; one receiver late, one killed", function()
    return ours { inside = true, late = 0.6 * megabytes / rate, killed = 0.3 * megabytes / rate }
  end },
  { "uftp", "uftp, loss by iptables", function() return under_iptables(uftp) end },
}

build()
shell("head -c %d /dev/urandom >%s/file", megabytes * 1e6 // 1, folder)
print(("%s: %g MB at %g MB/s, Linux %s, 2 cores."):format(os.date "%F", megabytes, rate, shell "uname -r":match "%d+%.%d+"))
print "\n| transfer | whole | last receiver, s | all have ended, s | bytes sent / file | datagrams |"
print "| --- | --- | --- | --- | --- | --- |"
for _, row in ipairs(rows) do
  if row[1] == (arg[3] or row[1]) then
    local result <const> = row[3]()
    print(("| %s | %d of %d | %.1f | %.1f | %.2f | %d |"):format(row[2], result.whole, RECEIVERS, result.last, result.seconds,
      result.bytes / megabytes / 1e6, result.packets))
    io.stdout:flush()
  end
end
shell("umount --lazy %s && rmdir %s", folder, folder)
