-- Remove what one session of a user who is being forgotten has in Redis.
--
-- KEYS[1] at:{shard}:pending:<session>   stream
-- KEYS[2] at:{shard}:recent:<session>    list
-- KEYS[3] at:{shard}:due                 zset
-- KEYS[4] at:{shard}:claims              zset
-- KEYS[5] at:{shard}:bytes               string
-- KEYS[6] at:{shard}:erased:<owner hash> string: token of the last erasure that was completed
-- KEYS[7] at:{shard}:hidden:<user>       hash
-- KEYS[8] at:{shard}:ids:<session>       hash
-- ARGV[1] the session's member in KEYS[3] and KEYS[4]
-- ARGV[2] token of this erasure
-- ARGV[3] how many pending entries one call removes at most, so that nobody waits long
--
-- Refused when an erasure that was taken later is done: what is here now was written after it, and stays. Returns how
-- many pending entries and recent turns were removed, and how many entries are left.
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
redis.call('DEL', KEYS[2], KEYS[7], KEYS[8])
local left = redis.call('XLEN', KEYS[1])
if left == 0 then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[3], ARGV[1])
  redis.call('ZREM', KEYS[4], ARGV[1])
end
return {#ids, recent, left}
