-- Trains of one datagram, for functions that take the place of recvmany.
local train = {}

-- The list of one datagram, as recvmany returns it: a table to fill keeps no item that it had, and its other keys.
function train.single(data, into)
  into = into or {}
  for i = rawlen(into), 2, -1 do
    rawset(into, i, nil)
  end
  return rawset(into, 1, data)
end

return train
