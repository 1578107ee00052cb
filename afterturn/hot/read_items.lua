-- Read what is needed for the items of a session, in one atomic step. Nothing is written.
--
-- KEYS[1] at:{shard}:pending:<session>   stream
-- KEYS[2] at:{shard}:recent:<session>    list of payloads, oldest first
-- KEYS[3] at:{shard}:hidden:<user>       hash: removed turn -> number of pending removals
-- KEYS[4] at:{shard}:items:<session>     hash: version, first
-- ARGV[1] how many of the newest pending entries and of the newest recent turns; 0: all
--
-- Returns {version, or nil; first, or nil; pending payloads, newest first; recent payloads, oldest first; hidden turns;
-- size of the largest pending payload}. Of a payload with an item only version, id and item are returned: the readable
-- text would take as much time to send.
local limit = tonumber(ARGV[1])

local function shorten(payload)
  local item = string.find(payload, '"~item":"', 1, true)
  local id = item and string.match(payload, '^{"v":1,"id":"[^"\\]*"')
  -- An item is JSON, so that every quote in its string is escaped, and it is the last value of the metadata.
  local _, closes = string.find(payload, '[^\\]"', item and item + 9 or 1)
  if id and closes == #payload - 2 and string.sub(payload, -2) == '}}' then
    return id .. ',' .. string.sub(payload, item, -2)
  end
  return payload
end

local payloads = {}
local rows, recent
if limit > 0 then
  rows = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', limit)
  recent = redis.call('LRANGE', KEYS[2], -limit, -1)
else
  rows = redis.call('XREVRANGE', KEYS[1], '+', '-')
  recent = redis.call('LRANGE', KEYS[2], 0, -1)
end
local largest = 0
for i, row in ipairs(rows) do
  largest = math.max(largest, #row[2][4])
  payloads[i] = shorten(row[2][4])
end
for i, payload in ipairs(recent) do
  recent[i] = shorten(payload)
end
local state = redis.call('HMGET', KEYS[4], 'version', 'first')
return {state[1], state[2], payloads, recent, redis.call('HKEYS', KEYS[3]), largest}
