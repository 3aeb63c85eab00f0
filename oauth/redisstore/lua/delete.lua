-- KEYS: row, subjects, states, due, claims. ARGV: version, grant id, channel.
local id = ARGV[2]
local was = redis.call('HMGET', KEYS[1], 'version', 'subject', 'state')
if not was[1] then
  return answer(redis.call('EXISTS', KEYS[1]) == 1 and 'corrupt' or 'none')
end
if was[1] ~= ARGV[1] then
  return answer('conflict')
end
redis.call('ZREM', KEYS[2], was[2] .. '\0' .. id)
redis.call('ZREM', KEYS[3], was[3] .. '\0' .. id)
redis.call('ZREM', KEYS[4], id)
redis.call('ZREM', KEYS[5], id)
redis.call('DEL', KEYS[1])
redis.pcall('PUBLISH', ARGV[3], id)
return answer('ok')
