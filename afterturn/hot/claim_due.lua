-- Claim due sessions of one shard that have no claim: some of the newest, so that a new user does not wait for a backlog,
-- and some of the oldest, so that every session is claimed in the end.
--
-- KEYS[1] at:{shard}:due      zset: session -> time of its oldest pending turn
-- KEYS[2] at:{shard}:claims   zset: session -> time at which the claim lapses, ms
-- ARGV[1] how long a claim lasts, ms
-- ARGV[2] the largest number of the newest sessions
-- ARGV[3] the largest number of the oldest sessions
--
-- Returns the claimed members: the newest, and the oldest. A claim only saves work: the lock of the session's row excludes
-- a second archive task.
local clock = redis.call('TIME')
local lapses = clock[1] * 1000 + math.floor(clock[2] / 1000) + tonumber(ARGV[1])

local function claim(command, limit)
  local claimed = {}
  local start = 0
  while #claimed < limit do
    local members = redis.call(command, KEYS[1], start, start + limit - 1)
    if #members == 0 then break end
    for _, name in ipairs(members) do
      if #claimed < limit and redis.call('ZADD', KEYS[2], 'NX', lapses, name) == 1 then
        claimed[#claimed + 1] = name
      end
    end
    start = start + limit
  end
  return claimed
end

return {claim('ZREVRANGE', tonumber(ARGV[2])), claim('ZRANGE', tonumber(ARGV[3]))}
