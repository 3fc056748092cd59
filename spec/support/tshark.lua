-- Reads captures by tshark.
local helper <const> = require "spec.support.helper"

local tshark = {}

-- The output of tshark for a capture, with checksums verified.
local function run(path, options)
  return helper.check(("tshark -r %s -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE %s 2>/dev/null"):format(path,
    options))
end

function tshark.fields(path, names, filter, more)
  local options = { "-T fields -E separator='|'", more or "", filter and "-Y " .. helper.quote(filter) or "" }
  for name in names:gmatch "%S+" do
    options[#options + 1] = "-e " .. name
  end
  return run(path, table.concat(options, " "))
end

-- The frames that tshark reports as malformed, with a wrong checksum or with a warning.
function tshark.complaints(path)
  return run(path, [[-Y '_ws.malformed || _ws.expert.severity >= 0x400000 || ip.checksum.status == 0
    || udp.checksum.status == 0 || igmp.checksum.status == 0 || icmpv6.checksum.status == 0']])
end

function tshark.count(path, filter)
  return select(2, run(path, "-Y " .. helper.quote(filter)):gsub("\n", ""))
end

return tshark
