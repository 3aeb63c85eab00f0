-- KEYS: due, claims. ARGV: how many. Replies with ids of rows that nobody
-- claims, the oldest first, each with the time its tokens were issued.
local most, page = tonumber(ARGV[1]), 100
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', text(now))
local reply = answer('ok')
for start = 0, redis.call('ZCARD', KEYS[1]), page do
  local entries = redis.call('ZRANGE', KEYS[1], start, start + page - 1, 'WITHSCORES')
  for i = 1, #entries, 2 do
    if most == 0 then
      return reply
    end
    if not redis.call('ZSCORE', KEYS[2], entries[i]) then
      reply[#reply + 1] = entries[i]
      reply[#reply + 1] = entries[i + 1]
      most = most - 1
    end
  end
end
return reply
