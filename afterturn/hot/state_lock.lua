-- Take, keep or leave a lock.
--
-- KEYS[1] at:{shard}:locks:<user>  hash: lock -> its last fence, when its lease ends (ms), and the server's run id
-- ARGV[1] look, take, keep or leave
-- ARGV[2] the field of the lock
-- ARGV[3] the fence (not for look)
-- ARGV[4] the lease, ms (for take and keep)
-- ARGV[5] how long the key is kept after the last call, ms
--
-- Returns 1 if it is done (look: if the lock is free), else 0. A fence that is not larger than the last one cannot take
-- the lock: its caller mints another. Leases of an earlier start of the server are void, because it may have lost later
-- ones; fences protect what is written.
local call = redis.call
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local run = string.match(call('INFO', 'server'), 'run_id:(%x+)') or '-'
local fence, expires, its_run = string.match(call('HGET', KEYS[1], ARGV[2]) or '0 0 -', '^(%d+) (%d+) (%S+)$')
local is_live = tonumber(expires) > now and its_run == run
if ARGV[1] == 'look' then
  return is_live and 0 or 1
end
local is_own = fence == ARGV[3]
if ARGV[1] == 'take' then
  if is_live and not is_own or tonumber(ARGV[3]) < tonumber(fence) then
    return 0
  end
elseif not (is_own and is_live) then
  return 0
end
local ends = ARGV[1] == 'leave' and 0 or now + tonumber(ARGV[4])
call('HSET', KEYS[1], ARGV[2], string.format('%s %.0f %s', ARGV[3], ends, run))
call('PEXPIRE', KEYS[1], ARGV[5])
return 1
