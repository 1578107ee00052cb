-- Find messages that were taken long ago and not acknowledged, and note that they are being returned.
--
-- KEYS[1] unacked_index   zset: delivery tag -> when it was taken, seconds
-- ARGV[1] how long ago, seconds
-- ARGV[2] how many at most
--
-- Returns their delivery tags. They count as taken just now, so that no two workers return one.
local now = tonumber(redis.call('TIME')[1])
local tags = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[1]), 'LIMIT', 0, ARGV[2])
for _, tag in ipairs(tags) do
  redis.call('ZADD', KEYS[1], now, tag)
end
return tags
