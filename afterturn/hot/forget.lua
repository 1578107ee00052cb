-- Remove the data of one session from Redis, for the erasure of its user.
--
-- KEYS[1] at:{shard}:pending:<session>   stream
-- KEYS[2] at:{shard}:recent:<session>    list
-- KEYS[3] at:{shard}:due                 zset
-- KEYS[4] at:{shard}:claims              zset
-- KEYS[5] at:{shard}:bytes               string
-- KEYS[6] at:{shard}:erased:<owner hash> string: token of the last completed erasure
-- KEYS[7] at:{shard}:hidden:<user>       hash
-- KEYS[8] at:{shard}:ids:<session>       hash
-- KEYS[9] at:{shard}:items:<session>     hash
-- ARGV[1] the session's member in KEYS[3] and KEYS[4]
-- ARGV[2] token of this erasure
-- ARGV[3] the largest number of pending entries that one call removes, so that other clients do not wait long
--
-- It fails if an erasure with a later token is completed: the present data was written after that and must stay.
-- Returns the number of removed pending entries, of removed recent turns, and of remaining entries.
local done = redis.call('GET', KEYS[6])
if done and tonumber(ARGV[2]) <= tonumber(done) then
  return redis.error_reply('ERASED by ' .. done)
end
local freed = 0
local ids = {}
for i, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[3])) do
  ids[i] = entry[1]
  freed = freed + #entry[2][4]
end
if #ids > 0 then
  redis.call('XDEL', KEYS[1], unpack(ids))
  if redis.call('DECRBY', KEYS[5], freed) < 0 then
    redis.call('SET', KEYS[5], 0)
  end
end
local recent = redis.call('LLEN', KEYS[2])
redis.call('DEL', KEYS[2], KEYS[7], KEYS[8], KEYS[9])
local left = redis.call('XLEN', KEYS[1])
if left == 0 then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[3], ARGV[1])
  redis.call('ZREM', KEYS[4], ARGV[1])
end
return {#ids, recent, left}
