-- Take the entries that Postgres has committed out of a session's pending stream, and keep the last ones as recent.
--
-- KEYS[1] at:{shard}:pending:<session>   stream
-- KEYS[2] at:{shard}:due                 zset
-- KEYS[3] at:{shard}:claims              zset
-- KEYS[4] at:{shard}:bytes               string
-- KEYS[5] at:{shard}:recent:<session>    list of payloads, oldest first
-- KEYS[6] at:{shard}:hidden:<user>       set of turns whose removal is pending
-- ARGV[1] the session's member in KEYS[2] and KEYS[3]
-- ARGV[2] how many recent payloads to keep
-- ARGV[3] how long to keep them, seconds
-- ARGV[4] how many members of KEYS[6] are done with; then these
-- next    how many turns are taken back for good; then their ids
-- then    stream id, entry id, and 1 (a turn, kept as recent) or 0, of each committed entry
--
-- An entry leaves only when both ids agree: a Redis that came back empty may give an old stream id to a new turn.
-- Returns how many entries are still pending.
local next_argument = 4
local function take_list()
  local last = next_argument + tonumber(ARGV[next_argument])
  local taken = {}
  for i = next_argument + 1, last do
    taken[#taken + 1] = ARGV[i]
  end
  next_argument = last + 1
  return taken
end

for _, name in ipairs(take_list()) do
  redis.call('SREM', KEYS[6], name)
end
local taken_back = {}
for _, turn_id in ipairs(take_list()) do
  taken_back[turn_id] = true
end
if next(taken_back) then
  for _, payload in ipairs(redis.call('LRANGE', KEYS[5], 0, -1)) do
    if taken_back[cjson.decode(payload).id] then
      redis.call('LREM', KEYS[5], 0, payload)
    end
  end
end

local freed = 0
local keep = tonumber(ARGV[2])
for i = next_argument, #ARGV, 3 do
  local found = redis.call('XRANGE', KEYS[1], ARGV[i], ARGV[i])
  if found[1] and found[1][2][2] == ARGV[i + 1] then
    local payload = found[1][2][4]
    redis.call('XDEL', KEYS[1], ARGV[i])
    freed = freed + #payload
    if keep > 0 and ARGV[i + 2] == '1' then
      redis.call('RPUSH', KEYS[5], payload)
    end
  end
end
if keep > 0 then
  redis.call('LTRIM', KEYS[5], -keep, -1)
  redis.call('EXPIRE', KEYS[5], ARGV[3])
end
if freed > 0 and redis.call('DECRBY', KEYS[4], freed) < 0 then
  redis.call('SET', KEYS[4], 0)
end
local left = redis.call('XLEN', KEYS[1])
if left == 0 then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
else
  -- The index says how old the oldest pending turn is: what is left came later.
  local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1][1]
  redis.call('ZADD', KEYS[2], string.match(oldest, '^%d+'), ARGV[1])
end
redis.call('ZREM', KEYS[3], ARGV[1])
return left
