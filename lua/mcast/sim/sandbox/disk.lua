-- The file system of a host. Reads fall through to the real one; what nodes write stays in memory, and is theirs alone.
-- A real disk (`files = "real"`) writes through to the real files.
local contents <const> = require "mcast.sim.sandbox.contents"

-- Methods of strings may be those of the node.
local find <const>, format <const>, gmatch <const>, match <const>, rep <const>, sub <const> = string.find, string.format,
  string.gmatch, string.match, string.rep, string.sub
local devices <const>, newfile <const>, setcontents <const> = contents.devices, contents.new, contents.set

local disk = {}

local Disk = {}
Disk.__index = Disk

local ENOENT <const>, EBUSY <const>, ENOTDIR <const>, EINVAL <const>, EFBIG <const> = 2, 16, 20, 22, 27

local function failure(path, text, errno)
  return nil, path .. ": " .. text, errno
end

-- Paths that name one file have one key. Symbolic links are not known here.
local function key(path)
  if sub(path, 1, 1) ~= "/" then
    path = (os.getenv "PWD" or "/.") .. "/" .. path
  end
  local parts = {}
  for part in gmatch(path, "[^/]+") do
    if part == ".." then
      parts[#parts] = nil
    elseif part ~= "." then
      parts[#parts + 1] = part
    end
  end
  return "/" .. table.concat(parts, "/")
end

local function isfolder(path)
  local handle <close>, message, errno = io.open(path .. "/.", "rb")
  return handle ~= nil, message, errno
end

--
-- Disks.
--

-- A disk has, by absolute path, its files, and false for those that are removed. `names` counts temporary ones.
Disk.names = 0

-- All hosts that use the real file system share this one, so that they see one file alike while it is open.
local real <const> = setmetatable({ real = true }, { __index = Disk, __mode = "v" })

function disk.new(kind)
  return kind == "real" and real or setmetatable({}, Disk)
end

-- Has a node written or removed a file in memory?
function Disk:changed()
  return not self.real and next(self) ~= nil
end

-- The file at a path; nil, a message and an errno where there is none.
function Disk:find(path)
  local name <const> = key(path)
  if devices[name] then
    return { pieces = { "" }, size = 0, version = 0, device = devices[name] }
  end
  local known <const> = self[name]
  if known == false or path == "" then
    return failure(path, "No such file or directory", ENOENT)
  elseif known and not self.real then
    return known
  end
  local file, message, errno = contents.read(path)
  local folder <const> = match(path, "^(.*)/[^/]*$")
  if not file and folder and self[key(folder)] then
    return failure(path, "Not a directory", ENOTDIR)
  end
  if known and file then
    known.pieces, known.size, file = file.pieces, file.size, known
  end
  return file, message, errno
end

-- Is a path in a folder? Else nil, a message and an errno.
function Disk:checkfolder(path)
  local folder <const> = match(path, "^(.*)/[^/]*$")
  local ok, _, errno = isfolder(folder == "" and "/" or folder or ".")
  if folder and self[key(folder)] then
    ok, errno = false, ENOTDIR
  elseif path == "" then
    ok, errno = false, ENOENT
  end
  if not ok then
    return failure(path, errno == ENOTDIR and "Not a directory" or "No such file or directory", errno)
  end
  return true
end

-- The file at a path, for a mode of io.open.
function Disk:open(path, mode)
  local file, message, errno = self:find(path)
  local writes <const> = find(mode, "[wa+]")
  if not writes or file and file.device then
    return file, message, errno
  elseif file and file.failure then
    return failure(path, file.failure[1], file.failure[2])
  elseif not file and (find(mode, "r") or errno ~= ENOENT) then
    return nil, message, errno
  end
  if not file then
    file, message, errno = self:checkfolder(path)
    file = file and newfile ""
  end
  if file and self.real then
    local handle <close>, why, number = io.open(path, mode)
    if not handle then
      return nil, why, number
    end
    file.path = path
  end
  if file and find(mode, "w") then
    setcontents(file, "")
  end
  if file then
    self[key(path)] = file
  end
  return file, message, errno
end

-- Writes a text at an offset, and remembers for the node what it has replaced.
function Disk:write(node, file, at, text)
  if file.device then
    return true
  elseif at + #text > contents.MOST then
    return nil, "File too large", EFBIG
  end
  local before = ""
  if at == file.size then
    file.pieces[#file.pieces + 1] = text
    file.version = file.version + 1
    file.size = file.size + #text
  else
    local data = contents.text(file)
    data = data .. rep("\0", at - #data)
    before = sub(data, at + 1, at + #text)
    setcontents(file, sub(data, 1, at) .. text .. sub(data, at + #text + 1))
  end
  node.written = { file = file, at = at, text = text, before = before, version = file.version }
  return self:store(file, at, text)
end

-- Writes to the real file, too.
function Disk:store(file, at, text)
  if not self.real or not file.path then
    return true
  end
  local handle <close>, message, errno = io.open(file.path, "r+b")
  if not handle then
    return nil, message, errno
  end
  handle:seek("set", at)
  return handle:write(text)
end

-- Leaves a part of the node's last write, as a power cut may; returns how many bytes of how many, or nil where there is none.
function Disk:tear(node, part)
  local last <const> = node.written
  if not last or last.version ~= last.file.version then
    return nil
  end
  local kept <const> = math.floor(part * #last.text)
  local data <const> = contents.text(last.file)
  local text <const> = sub(last.text, 1, kept) .. sub(last.before, kept + 1)
  setcontents(last.file, sub(data, 1, last.at) .. text .. sub(data, last.at + #last.text + 1))
  if self.real and last.file.path then
    local handle <close> = io.open(last.file.path, "wb")
    if handle then
      handle:write(contents.text(last.file))
    end
  end
  node.written = nil
  return kept, #last.text
end

-- Is the last part of a path "."?
local function isdot(path)
  return match(path, "^%./*$") ~= nil or match(path, "/%./*$") ~= nil
end

function Disk:remove(path)
  local file <const>, message, errno = self:find(path)
  if not file then
    return nil, message, errno
  elseif self.real then
    self[key(path)] = nil
    return os.remove(path)
  elseif isdot(path) then
    return failure(path, "Invalid argument", EINVAL)
  elseif file.device or file.failure then
    return failure(path, "Operation not permitted", 1)
  end
  self[key(path)] = false
  return true
end

function Disk:rename(from, to)
  if self.real then
    self[key(from)], self[key(to)] = nil, nil
    return os.rename(from, to)
  end
  local file <const>, message, errno = self:find(from)
  if not self:checkfolder(from) then
    return nil, sub(message, #from + 3), errno
  end
  local ok <const>, why, number = self:checkfolder(to)
  if not ok then
    return nil, sub(why, #to + 3), number
  elseif isdot(from) or isdot(to) then
    return nil, "Device or resource busy", EBUSY
  elseif not file then
    return nil, sub(message, #from + 3), errno
  end
  local at <const> = self:find(to)
  if file.failure or file.device or at and at.device then
    return nil, "Operation not permitted", 1
  elseif at and at.failure then
    return nil, at.failure[1], at.failure[2]
  end
  self[key(from)] = false
  self[key(to)] = file
  return true
end

-- Makes a file of a new name.
function Disk:temporary()
  if self.real then
    return os.tmpname()
  end
  self.names = self.names + 1
  local path <const> = format("/tmp/lua_%06d", self.names)
  self[path] = newfile ""
  return path
end

-- The contents at a path; nil, a message and an errno where it cannot be read.
function Disk:read(path)
  local file <const>, message, errno = self:find(path)
  if not file then
    return nil, message, errno
  elseif file.failure then
    return failure(path, file.failure[1], file.failure[2])
  elseif file.device then
    return failure(path, "Operation not permitted", 1)
  end
  return contents.text(file)
end

return disk
