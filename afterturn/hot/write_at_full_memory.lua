-- Run one small write that Redis would refuse at its maxmemory. scripts.py prepends the lines that make Redis accept it.
--
-- KEYS[1] any key
-- ARGV[1] the command; then its arguments after the key
return redis.call(ARGV[1], KEYS[1], unpack(ARGV, 2))
