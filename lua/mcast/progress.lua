-- A progress bar on the terminal, for work that takes long.
local progress = { hidden = false } -- hidden: nothing is drawn, since another program's text is on the line

local WIDTH <const> = 30
local PATIENCE <const> = 0.5 -- seconds before it is shown
local EVERY <const> = 0.1    -- seconds between two updates

local function isterminal()
  return (os.execute "test -t 2") == true
end

local function bar(share)
  local filled = math.floor(share * WIDTH)
  return (" [%s%s] %3d %%"):format(("#"):rep(filled), ("."):rep(WIDTH - filled), math.floor(share * 100))
end

local function draw(name, share, note)
  io.stderr:write("\r", name, share and bar(share) or "", note and ("  %s\27[K"):format(note) or "")
  io.stderr:flush()
end

-- Returns a function to be called with the share of the work that is done, 0 to 1, or false where it is not known, and a note,
-- if there is one; and with nil at the end. It draws only where stderr is a terminal, and only after `patience` seconds, of
-- the processor or of another clock. Who knows whether stderr is a terminal passes it: otherwise a program is asked, during
-- which a Ctrl-C may be lost.
function progress.new(name, patience, clock, terminal)
  clock = clock or os.clock
  local due, shown = clock() + (patience or PATIENCE), false
  return function(share, note)
    if share == nil then
      if shown then
        io.stderr:write("\r\27[K")
      end
      return
    end
    if progress.hidden or clock() < due then
      return
    end
    if terminal == nil then
      terminal = isterminal()
    end
    due = terminal and clock() + EVERY or math.huge
    if terminal then
      shown = true
      draw(name, share, note)
    end
  end
end

return progress
