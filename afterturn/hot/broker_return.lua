-- Return a message that was taken and not acknowledged to its queues, once.
--
-- KEYS[1] unacked_index   zset: delivery tag -> when it was taken, seconds
-- KEYS[2] unacked         hash: delivery tag -> the message
-- KEYS[3] … its queues    lists; the next message to be taken is at their right end
-- ARGV[1] the delivery tag
-- ARGV[2] the message
-- ARGV[3] LPUSH: it is taken last; RPUSH: it is taken next
redis.call('ZREM', KEYS[1], ARGV[1])
if redis.call('HDEL', KEYS[2], ARGV[1]) == 1 then
  for i = 3, #KEYS do
    redis.call(ARGV[3], KEYS[i], ARGV[2])
  end
end
