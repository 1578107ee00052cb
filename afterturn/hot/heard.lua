-- Note when something was heard, by Redis's clock.
--
-- KEYS[1] at:heard   zset: who was heard -> when, ms
-- ARGV[1] who is heard now
-- ARGV[2] how long others are kept, ms
-- ARGV[3] … who is not heard of any more
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]))
for i = 3, #ARGV do
  redis.call('ZREM', KEYS[1], ARGV[i])
end
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
