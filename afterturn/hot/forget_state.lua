-- Remove a user's documents and locks from Redis, for the erasure of the user.
--
-- KEYS[1] at:{shard}:erased:<owner hash>  string: token of the last completed erasure
-- KEYS[2] at:{shard}:state:<user>  KEYS[3] at:{shard}:documents:<user>  KEYS[4] at:{shard}:locks:<user>
-- ARGV[1] token of this erasure
--
-- It fails like forget.lua if an erasure with a later token is completed. Returns the number of removed documents.
local done = redis.call('GET', KEYS[1])
if done and tonumber(ARGV[1]) <= tonumber(done) then
  return redis.error_reply('ERASED by ' .. done)
end
local documents = redis.call('HLEN', KEYS[3])
redis.call('DEL', KEYS[2], KEYS[3], KEYS[4])
return documents
