-- A bar on a terminal, for what takes longer than a second.
local progress = {}

local Bar = {}
Bar.__index = Bar

-- to: the file to write to, for a spec; else stderr where it is a terminal.
function progress.new(what, total, to)
  return setmetatable({ what = what, total = total, to = to, began = os.time(), shown = -1 }, Bar)
end

local function terminal()
  return os.execute "test -t 2" and io.stderr
end

-- i of total are done.
function Bar:step(i)
  if i % 1000 ~= 0 or not self.asked and os.time() - self.began < 2 and not self.to then
    return
  end
  if not self.asked then
    self.asked = true
    self.to = self.to or terminal()
  end
  local percent = i * 100 // self.total
  if self.to and percent ~= self.shown then
    self.shown = percent
    self.to:write(("\r%s [%-25s] %3d %%"):format(self.what, ("#"):rep(percent // 4), percent))
  end
end

function Bar:done()
  if self.shown >= 0 then
    self.to:write(("\r%s\r"):format((" "):rep(#self.what + 34)))
  end
end

return progress
