-- Run one small write that Redis at its maxmemory would refuse. What drains a full Redis needs such writes itself: the
-- sweep's message, the archive's. They are few, bounded, and soon gone.
--
-- KEYS[1] any key
-- ARGV[1] the command; then its arguments after the key
--
-- Redis (6.2 to 8) refuses only the first write of a script that enlarges memory; PERSIST is a write that does not. No
-- key of these has a TTL that PERSIST could end.
redis.call('PERSIST', KEYS[1])
return redis.call(ARGV[1], KEYS[1], unpack(ARGV, 2))
