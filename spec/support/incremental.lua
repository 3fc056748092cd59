-- Sets the collector to steps: its pause and speed in percent, and the size of a step, 2^n bytes; without n a step
-- collects all.
return function(pause, speed, n)
  if _VERSION == "Lua 5.4" then
    return collectgarbage("incremental", pause, speed, n or 40)
  end
  collectgarbage("param", "pause", pause)
  collectgarbage("param", "stepmul", speed)
  collectgarbage("param", "stepsize", n and 1 << math.max(n, 6) or 0) -- less is all, too
  return collectgarbage "incremental"
end
