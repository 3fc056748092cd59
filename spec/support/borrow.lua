-- Lends busted of Lua 5.4 to a Lua that has none of its own. Its files in Lua are those of 5.4; a later Lua, in which the
-- variables of loops are constant, has some of them changed. Its modules in C fit one version only: the little that it uses
-- of them is here.
local PATH <const> = ("P/?.lua;P/?/init.lua;"):gsub("P", "/usr/local/share/lua/5.4")
  .. ("P/?.lua;P/?/init.lua;"):gsub("P", "/opt/homebrew/share/lua/5.4")
  .. ("P/?.lua;P/?/init.lua"):gsub("P", "/usr/share/lua/5.4")

local modules = {}

modules.system = { gettime = os.time, monotime = os.time }

modules.term = { isatty = function() return false end }

-- luafilesystem; busted changes to the folder that it is in.
modules.lfs = { chdir = function() return true end }

function modules.lfs.currentdir()
  return io.popen("pwd"):read "l"
end

function modules.lfs.mkdir(name)
  local made <const> = os.execute("mkdir '" .. name .. "' 2>/dev/null")
  return made, not made and "File exists" or nil
end

function modules.lfs.attributes(name, key)
  local file <close>, message = io.open(name)
  if not file then
    return nil, message
  end
  local EISDIR <const> = 21
  local mode <const> = select(3, file:read(0)) == EISDIR and "directory" or "file"
  return key and mode or { mode = mode }
end

function modules.lfs.dir(name)
  return assert(io.popen("ls -a '" .. name .. "'")):lines()
end

-- Copies the variables of loops: `for k, v in f() do` becomes `for k, v in f() do local k, v = k, v`.
local function unfreeze(text)
  return (text:gsub("(%f[%w]for%s+([%w_, ]-)%s+in%s[^\n]-%f[%w]do%f[%W])", "%1 local %2 = %2"))
end

-- The last searcher: whatever this Lua has itself comes first.
table.insert(package.searchers, function(name)
  if modules[name] then
    return function() return modules[name] end
  end
  local file <const>, missing <const> = package.searchpath(name, PATH)
  if not file then
    return missing
  end
  local source <close> = assert(io.open(file))
  local text <const> = source:read "a"
  return load(text, "@" .. file) or assert(load(unfreeze(text), "@" .. file)), file
end)
