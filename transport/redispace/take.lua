-- KEYS: a hash of the window under way and how many requests it has had.
-- ARGV: the most a window may have, its length in microseconds.
-- Replies with zero, having counted one, or with how long the window still is.
local most, length = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local window = string.format('%.0f', math.floor(now / length))
local left = length - now % length
local was = redis.call('HMGET', KEYS[1], 'window', 'count')
local count = 0
if was[1] == window then
  count = tonumber(was[2])
end
if count >= most then
  return math.max(1, math.ceil(left))
end
redis.call('HSET', KEYS[1], 'window', window, 'count', count + 1)
redis.call('PEXPIRE', KEYS[1], math.ceil(left / 1000))
return 0
