-- Faults of copies on their way: of the net, of a LAN, or of a pair of hosts.
local check <const> = require "mcast.check"

local fault = {}

local HOLDBACK <const> = 0.01 -- seconds by which a reordered copy is late at most

local isseconds <const>, isprobability <const> = check.seconds.accepts, check.probability.accepts

-- The core's form of a delay: 0.001, {0.001, 0.004}, {mean =, deviation =}, {exponential =, least =} or a function; nil
-- for anything else.
local function readdelay(form)
  if type(form) == "function" then
    return form
  elseif isseconds(form) then
    return { "uniform", form, form }
  elseif type(form) ~= "table" then
    return nil
  end
  local least <const> = form.least or 0
  if isseconds(form.mean) and isseconds(form.deviation) then
    return { "normal", form.mean, form.deviation }
  elseif isseconds(form.exponential) and isseconds(least) then
    return { "exponential", least, form.exponential }
  elseif isseconds(form[1]) and isseconds(form[2]) and form[1] <= form[2] then
    return { "uniform", form[1], form[2] }
  end
end

-- A probability and the seconds of holding back, of 0.1 or {0.1, 0.01}; nil for anything else.
local function readreorder(form)
  if type(form) == "number" then
    form = { form, HOLDBACK }
  end
  if type(form) == "table" and isprobability(form[1]) and isseconds(form[2]) then
    return form[1], form[2]
  end
end

fault.kinds = {
  loss = check.probability,
  duplicate = check.probability,
  reorder = check.kind("probability of 0 to 1, or {probability, seconds},", readreorder),
  delay = check.kind("seconds of 0 or more, {least, most}, a distribution or a function", readdelay),
}

-- Sets those faults that the checked options name; where is nil (the net), a LAN's number, or two hosts' numbers.
function fault.set(net, where, options)
  local reorder, holdback = readreorder(options.reorder)
  net.core:faults(where, { loss = options.loss, duplicate = options.duplicate, reorder = reorder, holdback = holdback,
    delay = readdelay(options.delay) })
end

return fault
