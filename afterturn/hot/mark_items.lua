-- Append a mark to a session's pending stream that takes the newest item, or clears the session, in one atomic step.
--
-- KEYS[1] at:{shard}:pending:<session>   stream: fields i (entry id) and d (payload)
-- KEYS[2] at:{shard}:due                 zset: session -> time of its oldest pending turn, ms
-- KEYS[3] at:{shard}:bytes               string: payload bytes pending in this shard
-- KEYS[4] at:{shard}:hidden:<user>       hash: removed turn -> number of pending removals; readers skip these turns
-- KEYS[5] at:{shard}:items:<session>     hash: version (changes with each removal and each clear), first (id of the oldest
--                                        turn while Redis has all turns; empty: there are none), mark (id of the last mark)
-- ARGV[1] the session's member in the due index
-- ARGV[2] TTL of KEYS[5], seconds
-- ARGV[3] id of the mark
-- ARGV[4] payload of the mark
-- ARGV[5] taking an item: its field in KEYS[4]; clearing: empty
-- ARGV[6] taking an item: the version with which it was read; empty: there was none
--
-- Returns 1, or 0 if a turn was removed since the item was read: somebody else may have taken it. A call that is repeated
-- because its reply was lost returns 1 and changes nothing.
local state = redis.call('HMGET', KEYS[5], 'version', 'mark')
if state[2] == ARGV[3] then
  return 1
end
local is_taking = ARGV[5] ~= ''
if is_taking and (state[1] or '') ~= ARGV[6] then
  return 0
end
local id = redis.call('XADD', KEYS[1], '*', 'i', ARGV[3], 'd', ARGV[4])
redis.call('ZADD', KEYS[2], 'NX', string.match(id, '^%d+'), ARGV[1])
redis.call('INCRBY', KEYS[3], #ARGV[4])
if is_taking then
  redis.call('HINCRBY', KEYS[4], ARGV[5], 1)
else
  redis.call('HSET', KEYS[5], 'first', '')
end
if state[1] then
  redis.call('HINCRBY', KEYS[5], 'version', 1)
else
  -- Later than every version before the key expired.
  local time = redis.call('TIME')
  redis.call('HSET', KEYS[5], 'version', string.format('%.0f', time[1] * 1000000 + time[2]))
end
redis.call('HSET', KEYS[5], 'mark', ARGV[3])
redis.call('EXPIRE', KEYS[5], ARGV[2])
return 1
