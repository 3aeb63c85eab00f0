-- KEYS: schema, a key to try everything on. ARGV: version of the schema,
-- channel. Whoever may run this may do all that the other scripts do.
local try = KEYS[2]
redis.call('HSET', try, 'field', 'value')
redis.call('HMGET', try, 'field')
redis.call('HDEL', try, 'field')
redis.call('EXISTS', try)
redis.call('ZADD', try, 0, 'member')
redis.call('ZSCORE', try, 'member')
redis.call('ZCARD', try)
redis.call('ZRANGE', try, 0, 0)
redis.call('ZRANGEBYLEX', try, '-', '+')
redis.call('ZRANGEBYSCORE', try, 0, 0)
redis.call('ZREMRANGEBYSCORE', try, 1, 1)
redis.call('PEXPIREAT', try, text(now / 1000 + 60000))
redis.call('ZREM', try, 'member')
redis.call('DEL', try)
redis.call('PUBLISH', ARGV[2], 'opened')
local reply = answer('ok')
reply[5] = redis.call('GET', KEYS[1])
if not reply[5] then
  redis.call('SET', KEYS[1], ARGV[1])
  reply[5] = ARGV[1]
end
return reply
