-- KEYS: row, subjects, states, due.
-- ARGV: old version, version, subject, state, issued, content, grant id, channel,
-- history under which the old version was read, if known.
local id = ARGV[7]
local was = redis.call('HMGET', KEYS[1], 'version', 'subject', 'state')
if not was[1] and redis.call('EXISTS', KEYS[1]) == 1 then
  return answer('corrupt')
end
if (was[1] or '') ~= ARGV[1] then
  return answer('conflict')
end
local reply = answer('ok')
if was[1] and ARGV[9] ~= '' and ARGV[9] ~= reply[2] then
  return answer('conflict') -- a failover may have brought the old version back
end
if was[2] and was[2] ~= ARGV[3] then
  redis.call('ZREM', KEYS[2], was[2] .. '\0' .. id)
end
if was[3] and was[3] ~= ARGV[4] then
  redis.call('ZREM', KEYS[3], was[3] .. '\0' .. id)
end
redis.call('ZADD', KEYS[2], 0, ARGV[3] .. '\0' .. id)
redis.call('ZADD', KEYS[3], 0, ARGV[4] .. '\0' .. id)
if ARGV[4] == 'active' then
  redis.call('ZADD', KEYS[4], ARGV[5], id)
else
  redis.call('ZREM', KEYS[4], id)
end
-- The row comes last: had anything been refused before, it would be as it was.
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'subject', ARGV[3], 'state', ARGV[4], 'issued', ARGV[5], 'content', ARGV[6])
redis.pcall('PUBLISH', ARGV[8], id)
return reply
