-- Scripts and modules: those of the real file system are read and compiled once, those that nodes have written each time.
local version <const> = require "mcast.sim.sandbox.version"

-- Methods of strings may be those of the node.
local format <const>, gmatch <const>, gsub <const>, match <const>, sub <const> = string.format, string.gmatch, string.gsub,
  string.match, string.sub

local scripts = {}

-- The text of a script without a byte order mark and the first line of a script for the shell.
function scripts.strip(text)
  return (gsub(gsub(text, "^\xef\xbb\xbf", "", 1), "^#[^\n]*", "", 1))
end

-- The text at a path on a disk; nil and a message as loadfile has it.
function scripts.text(path, on)
  local text <const>, message = on:read(path)
  if text then
    return text
  end
  local cause <const> = sub(message, #path + 3)
  return nil, on:find(path) and version.unread(path, cause) or format("cannot open %s: %s", path, cause)
end

-- By path: a function that returns the chunk for an environment.
local compiled = {}

local function make(text, path)
  text = scripts.strip(text)
  local ok, message = load(text, "@" .. path, "t") -- alone, for a syntax error without the line added below
  if not ok then
    return nil, message
  end
  return assert(load("return function(_ENV) return function(...) " .. text .. "\nend end", "@" .. path, "t"))()
end

-- A function that returns the chunk for an environment; nil and a message where a host cannot read the script, or it cannot be
-- compiled.
function scripts.compile(path, host)
  local disk <const> = rawget(host, "disk")
  local changed <const> = disk and disk:changed()
  if compiled[path] and not changed then
    return compiled[path]
  end
  local text <const>, message = host.disk:read(path)
  if not text then
    return nil, message
  end
  local maker, why = make(text, path)
  if not changed then
    compiled[path] = maker
  end
  return maker, why
end

-- package.searchpath on a disk.
function scripts.search(on, name, path, separator, replacement)
  if not on:changed() then
    return package.searchpath(name, path, separator, replacement)
  end
  separator, replacement = separator or ".", replacement or match(package.config, ".")
  if separator ~= "" then
    name = gsub(name, gsub(separator, "%p", "%%%0"), (gsub(replacement, "%%", "%%%%")))
  end
  local tried = {}
  for template in gmatch(path, "[^;]+") do
    local file = gsub(template, "%?", (gsub(name, "%%", "%%%%")))
    if on:find(file) then
      return file
    end
    tried[#tried + 1] = format("no file '%s'", file)
  end
  return nil, table.concat(tried, "\n\t")
end

return scripts
