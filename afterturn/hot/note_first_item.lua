-- Note that Redis has all turns of a session, unless one was removed or not kept since they were read.
--
-- KEYS[1] at:{shard}:items:<session>   hash: version, first
-- ARGV[1] TTL of KEYS[1], seconds
-- ARGV[2] the version with which the turns were read; empty: there was none
-- ARGV[3] id of the oldest turn; empty: the session has none
if (redis.call('HGET', KEYS[1], 'version') or '') ~= ARGV[2] then
  return 0
end
if ARGV[2] == '' then
  local time = redis.call('TIME')
  redis.call('HSET', KEYS[1], 'version', string.format('%.0f', time[1] * 1000000 + time[2]))
end
redis.call('HSET', KEYS[1], 'first', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1
