-- KEYS: rows. Replies with the fields of each.
local reply = answer('ok')
for i, key in ipairs(KEYS) do
  reply[4 + i] = redis.call('HMGET', key, 'version', 'subject', 'state', 'issued', 'content')
end
return reply
