-- KEYS: flows, ends. ARGV: flow id, binding. A flow that was used keeps its
-- binding.
local id = ARGV[1]
local found = redis.call('HMGET', KEYS[1], 'binding ' .. id, 'flow ' .. id)
local ends = redis.call('ZSCORE', KEYS[2], id)
if not found[1] or not ends then
  return answer('unknown')
end
if not found[2] then
  return answer('used')
end
if found[1] ~= ARGV[2] then
  return answer('binding')
end
if now >= tonumber(ends) then
  return answer('expired')
end
redis.call('HDEL', KEYS[1], 'flow ' .. id)
local reply = answer('ok')
reply[5] = found[2]
return reply
