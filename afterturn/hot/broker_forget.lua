-- Forget a message that a worker has acknowledged.
--
-- KEYS[1] unacked_index   zset: delivery tag -> when it was taken, seconds
-- KEYS[2] unacked         hash: delivery tag -> the message
-- ARGV[1] the delivery tag
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
