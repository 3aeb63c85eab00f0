-- KEYS: flows, ends. ARGV: flow id, binding, flow, microseconds to its end,
-- microseconds to remember it afterwards, how many flows to hold at most.
local id, memory = ARGV[1], ARGV[5]
local function forget(flow)
  redis.call('HDEL', KEYS[1], 'binding ' .. flow, 'flow ' .. flow)
  redis.call('ZREM', KEYS[2], flow)
end
for _, flow in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', text(now - memory))) do
  forget(flow)
end
if redis.call('ZSCORE', KEYS[2], id) then
  return answer('conflict')
end
while redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[6]) do
  forget(redis.call('ZRANGE', KEYS[2], 0, 0)[1])
end
redis.call('HSET', KEYS[1], 'binding ' .. id, ARGV[2], 'flow ' .. id, ARGV[3])
redis.call('ZADD', KEYS[2], text(now + ARGV[4]), id)
local last = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')[2]
for _, key in ipairs(KEYS) do
  redis.call('PEXPIREAT', key, text(math.ceil((last + memory) / 1000)))
end
return answer('ok')
