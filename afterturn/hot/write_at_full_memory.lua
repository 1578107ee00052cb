-- Run one small write that Redis at its maxmemory would refuse. scripts.py puts the lines before it that get it through.
--
-- KEYS[1] any key
-- ARGV[1] the command; then its arguments after the key
return redis.call(ARGV[1], KEYS[1], unpack(ARGV, 2))
