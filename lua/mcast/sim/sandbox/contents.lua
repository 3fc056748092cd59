-- The contents of a file: pieces, joined when they are read. `version` counts its writes.
local core <const> = require "mcast.sim.core"

-- Methods of strings may be those of the node.
local char <const>, rep <const> = string.char, string.rep

local contents = {}

contents.MOST = 2 ^ 30 | 0 -- bytes of a file

local PIECE <const>, EFBIG <const> = 2 ^ 20 | 0, 27

function contents.new(text)
  return { pieces = { text }, size = #text, version = 0 }
end

function contents.text(file)
  if #file.pieces > 1 then
    file.pieces = { table.concat(file.pieces) }
  end
  return file.pieces[1]
end

function contents.set(file, text)
  file.pieces, file.size, file.version = { text }, #text, file.version + 1
end

-- The devices that scripts open: functions that read n bytes. They discard writes.
contents.devices = {
  ["/dev/null"] = true,
  ["/dev/zero"] = function(n) return rep("\0", n) end,
  ["/dev/random"] = function(n)
    local bytes = {}
    for i = 1, n do
      bytes[i] = char(core.random(0, 255))
    end
    return table.concat(bytes)
  end,
}
contents.devices["/dev/urandom"] = contents.devices["/dev/random"]

-- Reads a real file. A folder can be opened, too, and fails when it is read.
function contents.read(path)
  local handle <close>, message, errno = io.open(path, "rb")
  if not handle then
    return nil, message, errno
  end
  local pieces, size, piece = {}, 0, nil
  repeat
    pieces[#pieces + 1], size = piece, size + #(piece or "")
    piece, message, errno = handle:read(PIECE)
  until not piece or size > contents.MOST
  if piece then
    return nil, path .. ": File too large", EFBIG
  end
  local file = contents.new(table.concat(pieces))
  file.failure = message and { message, errno }
  return file
end

return contents
