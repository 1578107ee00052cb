-- Remove turns, in one atomic step: append a mark for each to the session's pending stream, and hide the turn until the mark
-- is archived.
--
-- KEYS[1] at:{shard}:pending:<session>   stream: fields i (entry id) and d (payload)
-- KEYS[2] at:{shard}:due                 zset: session -> time of its oldest pending turn, ms
-- KEYS[3] at:{shard}:bytes               string: payload bytes pending in this shard
-- KEYS[4] at:{shard}:hidden:<user>       hash: removed turn -> number of pending removals; readers skip these turns
-- KEYS[5] at:{shard}:items:<session>     hash: version, which changes with each removal
-- ARGV[1] the session's member in the due index
-- ARGV[2], ARGV[3], ARGV[4], and so on for each turn: its field in KEYS[4], id and payload of its mark
--
-- Returns the bytes now pending in the shard. The limit does not apply to marks, which are small.
local size = 0
for i = 2, #ARGV, 3 do
    local id = redis.call('XADD', KEYS[1], '*', 'i', ARGV[i + 1], 'd', ARGV[i + 2])
    redis.call('ZADD', KEYS[2], 'NX', string.match(id, '^%d+'), ARGV[1])
    redis.call('HINCRBY', KEYS[4], ARGV[i], 1)
    size = size + #ARGV[i + 2]
end
if redis.call('EXISTS', KEYS[5]) == 1 then
    redis.call('HINCRBY', KEYS[5], 'version', 1)
end
return redis.call('INCRBY', KEYS[3], size)
