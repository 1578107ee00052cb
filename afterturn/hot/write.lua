-- Append turns to a session's pending stream, in one atomic step. A turn with a known id and the same content is not
-- appended again.
--
-- KEYS[1] at:{shard}:pending:<session>   stream: fields i (entry id) and d (payload)
-- KEYS[2] at:{shard}:due                 zset: session -> time of its oldest pending turn, ms
-- KEYS[3] at:{shard}:bytes               string: payload bytes pending in this shard
-- KEYS[4] at:{shard}:ids:<session>       hash: id of a pending entry or recent turn -> digest of its content
-- ARGV[1] the session's member in the due index
-- ARGV[2] limit of KEYS[3] in bytes
-- ARGV[3] bytes of all payloads of this call
-- ARGV[4], ARGV[5], … id and payload of each entry, in order
-- then    only if callers chose ids: one string with 16 characters for each entry, the digest of its content, or spaces
--         for an id that was generated for this call, which is not stored in KEYS[4]
--
-- All entries are written, or none: with PENDINGLIMIT if they exceed the limit, with TURNIDUSED and the id if an id is
-- known with other content. A known entry takes no room, so that the repetition of a completed call is never refused.
-- Returns the bytes now pending in the shard. The score is the time in the stream id: Redis's clock, which never
-- decreases within a stream. NX: the hot path only adds to the due index.
local call = redis.call
local last = #ARGV
local size = ARGV[3]
local known, added, reason
if last % 2 == 0 then
  known, added = {}, {}
  local digests = ARGV[last]
  last = last - 1
  for i = 4, last, 2 do
    local digest = string.sub(digests, 8 * i - 31, 8 * i - 16)
    if string.byte(digest) ~= 32 then
      if call('HSETNX', KEYS[4], ARGV[i], digest) == 1 then
        added[#added + 1] = ARGV[i]
      else
        known[i] = true
        size = size - #ARGV[i + 1]
        if call('HGET', KEYS[4], ARGV[i]) ~= digest then
          reason = 'TURNIDUSED ' .. ARGV[i]
        end
      end
    end
  end
end

local total
if not reason then
  local limit = tonumber(ARGV[2])
  total = call('INCRBY', KEYS[3], size)
  if total > limit then
    call('DECRBY', KEYS[3], size)
    -- A client retries a call whose reply was late. Ids that were generated for the first attempt are near the end.
    known = known or {}
    local pending = {}
    for _, entry in ipairs(call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', last + 100)) do
      pending[entry[2][2]] = true
    end
    for i = 4, last, 2 do
      if pending[ARGV[i]] and not known[i] then
        known[i] = true
        size = size - #ARGV[i + 1]
      end
    end
    total = call('INCRBY', KEYS[3], size)
    if total > limit and tonumber(size) > 0 then
      call('DECRBY', KEYS[3], size)
      reason = 'PENDINGLIMIT ' .. total
    end
  end
end
if reason then
  for _, id in ipairs(added or {}) do
    call('HDEL', KEYS[4], id)
  end
  return redis.error_reply(reason)
end

local id
for i = 4, last, 2 do
  if not (known and known[i]) then
    id = call('XADD', KEYS[1], '*', 'i', ARGV[i], 'd', ARGV[i + 1])
  end
end
if id then
  call('ZADD', KEYS[2], 'NX', string.match(id, '^%d+'), ARGV[1])
end
return total
