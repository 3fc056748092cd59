-- A list of findings: {severity, subject, text, fix}. `fix` is a command that mends it.
local findings = {}
findings.__index = findings

function findings.new()
  return setmetatable({}, findings)
end

function findings:add(severity, subject, text, fix)
  self[#self + 1] = { severity = severity, subject = subject, text = text, fix = fix }
end

-- Something does not work.
function findings:error(...)
  self:add("error", ...)
end

-- Something works less well than it should, or breaks other programs than the one asked about.
function findings:warn(...)
  self:add("warning", ...)
end

-- A fact, which is no fault.
function findings:note(...)
  self:add("note", ...)
end

return findings
