-- The bytes of a capture. Errors about the file are tables with a message, so that others are not taken for them.
local input = {}

local PIECE <const> = 1 << 16

-- Reads n bytes in pieces, so memory grows with the bytes that arrive, not with the length that a file claims.
local function pull(file, n)
  if n == 0 then
    return "" -- read(0) would be nil at the end of the file
  elseif n <= PIECE then
    return file:read(n)
  end
  local pieces, left = {}, n
  while left > 0 do
    local piece, message, errno = file:read(math.min(left, PIECE))
    if not piece then
      return table.concat(pieces), message, errno
    end
    pieces[#pieces + 1] = piece
    left = left - #piece
  end
  return table.concat(pieces)
end

-- Reads n bytes of a reader's file; nil at its end. Raises where the file ends within them, or before them if a part is named.
function input.read(self, n, part)
  local data, message, errno = pull(self.file, n)
  if message then
    error({ message = message, errno = errno })
  elseif data and #data == n then
    self.offset = self.offset + n
    return data
  elseif data or part then
    error { message = ("the file ends within %s"):format(part or "a block") }
  end
  return nil
end

function input.expect(holds, message, ...)
  if not holds then
    error { message = message:format(...) }
  end
end

return input
