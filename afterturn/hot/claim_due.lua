-- Claim the due sessions of one shard that have no claim.
--
-- KEYS[1] at:{shard}:due      zset: session -> time of its oldest pending turn
-- KEYS[2] at:{shard}:claims   zset: session -> time at which the claim lapses, ms
-- ARGV[1] how long a claim lasts, ms
-- ARGV[2] the largest number of sessions
--
-- Returns the claimed members. A claim only saves work: the lock of the session's row excludes a second archive task.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
local claimed = {}
local limit = tonumber(ARGV[2])
local start = 0
while #claimed < limit do
  local members = redis.call('ZRANGE', KEYS[1], start, start + limit - 1)
  if #members == 0 then break end
  for _, name in ipairs(members) do
    if #claimed < limit and redis.call('ZADD', KEYS[2], 'NX', now + tonumber(ARGV[1]), name) == 1 then
      claimed[#claimed + 1] = name
    end
  end
  start = start + limit
end
return claimed
