-- Record a heartbeat with Redis's time.
--
-- KEYS[1] at:heartbeats   zset: sender -> time of its last heartbeat, ms
-- ARGV[1] the sender of the heartbeat
-- ARGV[2] how long heartbeats are kept, ms
-- ARGV[3] … senders whose heartbeats are removed
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]))
for i = 3, #ARGV do
  redis.call('ZREM', KEYS[1], ARGV[i])
end
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
