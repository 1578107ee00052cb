-- Append turns to a session's pending stream, in one atomic step.
--
-- KEYS[1] at:{shard}:pending:<session>   stream: fields i (entry id) and d (payload)
-- KEYS[2] at:{shard}:due                 zset: session -> time of its oldest pending turn, ms
-- KEYS[3] at:{shard}:bytes               string: payload bytes pending in this shard
-- ARGV[1] the session's member in the due index
-- ARGV[2] limit of KEYS[3] in bytes
-- ARGV[3] bytes of all payloads of this call
-- ARGV[4], ARGV[5], … id and payload of each entry, in order
--
-- Returns the bytes now pending in the shard. The score is the time in the stream id: Redis's clock, which never
-- decreases within a stream. NX: the hot path only adds to the due index.
local call = redis.call
local total = call('INCRBY', KEYS[3], ARGV[3])
if total > tonumber(ARGV[2]) then
  call('DECRBY', KEYS[3], ARGV[3])
  return redis.error_reply('PENDINGLIMIT ' .. total)
end
local id
for i = 4, #ARGV, 2 do
  id = call('XADD', KEYS[1], '*', 'i', ARGV[i], 'd', ARGV[i + 1])
end
call('ZADD', KEYS[2], 'NX', string.match(id, '^%d+'), ARGV[1])
return total
