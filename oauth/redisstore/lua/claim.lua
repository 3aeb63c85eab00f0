-- KEYS: due, claims, rows. ARGV: microseconds to claim for, grant ids in the
-- order of the rows. Replies with the fields of those that were still free.
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', text(now))
local reply = answer('ok')
for i = 2, #ARGV do
  if redis.call('ZSCORE', KEYS[1], ARGV[i]) and not redis.call('ZSCORE', KEYS[2], ARGV[i]) then
    redis.call('ZADD', KEYS[2], text(now + ARGV[1]), ARGV[i])
    reply[#reply + 1] = redis.call('HMGET', KEYS[1 + i], 'version', 'subject', 'state', 'issued', 'content')
  end
end
return reply
