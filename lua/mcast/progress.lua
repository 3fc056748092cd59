-- A progress bar on the terminal, of work that takes long.
local progress = {}

local WIDTH <const> = 30
local PATIENCE <const> = 0.5 -- seconds before it is shown, ...
local EVERY <const> = 0.1    -- and between two looks of it

local function isterminal()
  return (os.execute "test -t 2") == true
end

local function draw(name, share)
  local filled = math.floor(share * WIDTH)
  io.stderr:write(("\r%s [%s%s] %3d %%"):format(name, ("#"):rep(filled), ("."):rep(WIDTH - filled), math.floor(share * 100)))
  io.stderr:flush()
end

-- A function that is told from time to time how much of the work is done, 0 to 1,
-- and nil at its end. It shows something only where stderr is a terminal, after
-- `patience` seconds.
function progress.new(name, patience)
  local clock <const> = os.clock
  local due, shown, terminal = clock() + (patience or PATIENCE), false, nil
  return function(share)
    if not share then
      if shown then
        io.stderr:write("\r\27[K")
      end
      return
    end
    if clock() < due then
      return
    end
    if terminal == nil then
      terminal = isterminal()
    end
    due = terminal and clock() + EVERY or math.huge
    if terminal then
      shown = true
      draw(name, share)
    end
  end
end

return progress
