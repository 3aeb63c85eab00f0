-- Every script begins with this. It sees the server that runs the script, at
-- the moment when it runs.
local info = redis.call('INFO', 'replication')
if not string.find(info, 'role:master', 1, true) then
  return redis.error_reply('READONLY this server is a replica')
end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2] -- microseconds

-- answer begins a reply: the answer, the server's history and its clock.
local function answer(text)
  return {text, string.match(info, 'master_replid:(%w+)'), time[1], time[2]}
end

-- text writes a number of microseconds without an exponent.
local function text(micros)
  return string.format('%.0f', micros)
end
