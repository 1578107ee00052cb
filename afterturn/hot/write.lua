-- Append turns to a session's pending stream, in one atomic step. A turn that is known already is not appended again.
--
-- KEYS[1] at:{shard}:pending:<session>   stream: fields i (entry id) and d (payload)
-- KEYS[2] at:{shard}:due                 zset: session -> time of its oldest pending turn, ms
-- KEYS[3] at:{shard}:bytes               string: payload bytes pending in this shard
-- KEYS[4] at:{shard}:ids:<session>       hash: id of each pending entry and recent turn -> digest of its content
-- ARGV[1] the session's member in the due index
-- ARGV[2] limit of KEYS[3] in bytes
-- ARGV[3] bytes of all payloads of this call
-- ARGV[4], ARGV[5], ARGV[6], … id, digest and payload of each entry, in order
--
-- All entries are written, or none: with PENDINGLIMIT where they exceed the limit, with TURNIDUSED and the id where an id
-- is known with other content. A known entry takes no room, so that no repetition of a call that was carried out is
-- refused. Returns the bytes now pending in the shard. The time is the stream id's: Redis's clock, never running
-- backwards within a stream. NX: the hot path only ever adds to the due index.
local call = redis.call
local size = ARGV[3]
local known
local used_id
for i = 4, #ARGV, 3 do
  if call('HSETNX', KEYS[4], ARGV[i], ARGV[i + 1]) == 0 then
    known = known or {}
    known[i] = true
    size = size - #ARGV[i + 2]
    if call('HGET', KEYS[4], ARGV[i]) ~= ARGV[i + 1] then
      used_id = ARGV[i]
    end
  end
end

local total
local reason = used_id and 'TURNIDUSED ' .. used_id
if not reason then
  total = call('INCRBY', KEYS[3], size)
  if total > tonumber(ARGV[2]) and tonumber(size) > 0 then
    call('DECRBY', KEYS[3], size)
    reason = 'PENDINGLIMIT ' .. total
  end
end
if reason then
  for i = 4, #ARGV, 3 do
    if not (known and known[i]) then
      call('HDEL', KEYS[4], ARGV[i])
    end
  end
  return redis.error_reply(reason)
end

local id
for i = 4, #ARGV, 3 do
  if not (known and known[i]) then
    id = call('XADD', KEYS[1], '*', 'i', ARGV[i], 'd', ARGV[i + 2])
  end
end
if id then
  call('ZADD', KEYS[2], 'NX', string.match(id, '^%d+'), ARGV[1])
end
return total
