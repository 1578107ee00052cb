-- Note that a worker has taken a message, until it is acknowledged.
--
-- KEYS[1] unacked_index   zset: delivery tag -> when it was taken, seconds
-- KEYS[2] unacked         hash: delivery tag -> the message
-- ARGV[1] the delivery tag
-- ARGV[2] the message
--
-- The time is Redis's, so that no two hosts' clocks are compared.
redis.call('ZADD', KEYS[1], redis.call('TIME')[1], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
