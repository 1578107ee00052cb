-- Read what is needed for the items of a session, in one atomic step. Nothing is written.
--
-- KEYS[1] at:{shard}:pending:<session>   stream
-- KEYS[2] at:{shard}:recent:<session>    list of payloads, oldest first
-- KEYS[3] at:{shard}:hidden:<user>       hash: removed turn -> number of pending removals
-- KEYS[4] at:{shard}:items:<session>     hash: version, first
-- ARGV[1] how many of the newest pending entries and of the newest recent turns; 0: all
--
-- Returns {version, or nil; first, or nil; pending payloads, newest first; recent payloads, oldest first; hidden turns}.
local limit = tonumber(ARGV[1])
local payloads = {}
local rows, recent
if limit > 0 then
  rows = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', limit)
  recent = redis.call('LRANGE', KEYS[2], -limit, -1)
else
  rows = redis.call('XREVRANGE', KEYS[1], '+', '-')
  recent = redis.call('LRANGE', KEYS[2], 0, -1)
end
for i, row in ipairs(rows) do
  payloads[i] = row[2][4]
end
local state = redis.call('HMGET', KEYS[4], 'version', 'first')
return {state[1], state[2], payloads, recent, redis.call('HKEYS', KEYS[3])}
