-- Remove the entries that Postgres has committed from a session's pending stream, and keep the last ones as recent.
--
-- KEYS[1] at:{shard}:pending:<session>   stream
-- KEYS[2] at:{shard}:due                 zset
-- KEYS[3] at:{shard}:claims              zset
-- KEYS[4] at:{shard}:bytes               string
-- KEYS[5] at:{shard}:recent:<session>    list of payloads, oldest first
-- KEYS[6] at:{shard}:hidden:<user>       hash: removed turn -> number of pending removals
-- KEYS[7] at:{shard}:ids:<session>       hash: id of a pending entry or recent turn -> digest of its content
-- KEYS[8] at:{shard}:items:<session>     hash: version, first; only sessions of agent frameworks have it
-- ARGV[1] the session's member in KEYS[2] and KEYS[3]
-- ARGV[2] how many recent payloads to keep
-- ARGV[3] how long to keep them and their ids, seconds
-- ARGV[4] the number of entries that only workers of a newer release can read
-- ARGV[5] how much longer the claim lasts if no other entry remains, ms
-- ARGV[6] the number of removed turns whose removal is committed; then their ids
-- then    for each committed entry: stream id, entry id, and what happens to it: "recent" (it becomes recent), "gone"
--         (it does not), "large" or "imported" (it does not, although it is a turn that readers see), "clear" (the recent
--         turns before it are removed), or for a removal the field of KEYS[6] whose number is decreased
--
-- An entry is removed only if both ids match: a Redis that lost its data may give an old stream id to a new turn.
-- Returns the number of entries that are still pending.

-- Of a session of an agent framework, the largest number of turns that stay recent, and of their bytes.
local ITEMS_KEPT = 500
local ITEM_BYTES_KEPT = 1048576

local first_entry = 7 + tonumber(ARGV[6])
if first_entry > 7 then
  local removed = {}
  for i = 7, first_entry - 1 do
    removed[ARGV[i]] = true
  end
  for _, payload in ipairs(redis.call('LRANGE', KEYS[5], 0, -1)) do
    local is_readable, turn = pcall(cjson.decode, payload)
    if is_readable and removed[turn.id] then
      redis.call('LREM', KEYS[5], 0, payload)
      redis.call('HDEL', KEYS[7], turn.id)
    end
  end
end

-- Store the id of a recent turn. The write script has already stored ids that callers chose. The content part of a
-- payload begins with the role; older clients wrote the fields in another order.
local function remember(id, payload)
  local content_start = string.find(payload, '"role"', 1, true)
  local time = string.find(payload, '"at":', 1, true)
  if content_start and time and time < content_start and #payload <= 16384 then
    redis.call('HSETNX', KEYS[7], id, string.sub(redis.sha1hex(string.sub(payload, content_start)), 1, 16))
  end
end

-- Readers must not take the turns in Redis for all turns of the session.
local function note_unkept()
  if redis.call('HINCRBY', KEYS[8], 'version', 1) == 1 then
    local time = redis.call('TIME')
    redis.call('HSET', KEYS[8], 'version', string.format('%.0f', time[1] * 1000000 + time[2]))
  end
  redis.call('HDEL', KEYS[8], 'first')
  redis.call('EXPIRE', KEYS[8], ARGV[3])
end

-- Remove the oldest recent turns, down to a number of them, with their ids.
local function trim(keep)
  for _, payload in ipairs(redis.call('LRANGE', KEYS[5], 0, -keep - 1)) do
    local is_readable, turn = pcall(cjson.decode, payload)
    if is_readable then
      redis.call('HDEL', KEYS[7], turn.id)
    end
  end
  if keep == 0 then
    redis.call('DEL', KEYS[5])
  else
    redis.call('LTRIM', KEYS[5], -keep, -1)
  end
end

local freed = 0
local keep = tonumber(ARGV[2])
for i = first_entry, #ARGV, 3 do
  local found = redis.call('XRANGE', KEYS[1], ARGV[i], ARGV[i])
  if found[1] and found[1][2][2] == ARGV[i + 1] then
    local payload = found[1][2][4]
    redis.call('XDEL', KEYS[1], ARGV[i])
    freed = freed + #payload
    local outcome = ARGV[i + 2]
    if outcome == 'recent' and keep > 0 then
      redis.call('RPUSH', KEYS[5], payload)
      remember(ARGV[i + 1], payload)
    else
      redis.call('HDEL', KEYS[7], ARGV[i + 1])
      if outcome == 'clear' then
        trim(0)
      elseif outcome == 'large' then
        note_unkept()
      elseif outcome == 'imported' then
        if redis.call('EXISTS', KEYS[8]) == 1 then note_unkept() end
      elseif outcome ~= 'recent' and outcome ~= 'gone' and redis.call('HINCRBY', KEYS[6], outcome, -1) <= 0 then
        redis.call('HDEL', KEYS[6], outcome)
      end
    end
  end
end
if keep > 0 then
  if redis.call('EXISTS', KEYS[8]) == 1 then
    -- An agent framework reads all turns of its session before each run: of these sessions more is kept.
    local size = 0
    local recent = redis.call('LRANGE', KEYS[5], -ITEMS_KEPT, -1)
    for i = #recent, 1, -1 do
      size = size + #recent[i]
      if size > ITEM_BYTES_KEPT then break end
      keep = math.max(keep, #recent - i + 1)
    end
    redis.call('EXPIRE', KEYS[8], ARGV[3])
  end
  -- Ids expire with their turns, so that they take a bounded amount of memory.
  trim(keep)
  redis.call('EXPIRE', KEYS[5], ARGV[3])
  redis.call('EXPIRE', KEYS[7], ARGV[3])
end
if freed > 0 and redis.call('DECRBY', KEYS[4], freed) < 0 then
  redis.call('SET', KEYS[4], 0)
end
local left = redis.call('XLEN', KEYS[1])
if left == 0 then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
else
  -- The score in the index is the time of the oldest pending turn. That turn was removed, so the score changes.
  local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1][1]
  redis.call('ZADD', KEYS[2], string.match(oldest, '^%d+'), ARGV[1])
end
if left > 0 and left == tonumber(ARGV[4]) then
  -- Until the claim lapses, no sweep enqueues a session that has only entries for newer workers.
  redis.call('ZADD', KEYS[3], 'XX', 'INCR', ARGV[5], ARGV[1])
else
  redis.call('ZREM', KEYS[3], ARGV[1])
end
return left
