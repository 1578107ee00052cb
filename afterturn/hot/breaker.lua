-- A circuit breaker that all workers share. It is one script, so that reading and changing the state is atomic.
--
-- KEYS[1] at:breaker:<what>   hash: failures (in a row), open_until (ms), probe_until (ms), successes (in total)
-- ARGV[1] admit | withdraw (an admitted call was not made) | success | failure
-- ARGV[2] admit: the longest time of a probe, ms | failure: the pause that the server requested, ms (0: none)
-- ARGV[3] failure: the number of failures in a row that opens it
-- ARGV[4] failure: the shortest pause, ms
-- ARGV[5] failure: the longest pause, ms
--
-- Returns {1 if calls may be made, otherwise 0; ms to wait; successes in total}.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local state = redis.call('HMGET', KEYS[1], 'failures', 'open_until', 'probe_until', 'successes')
local failures = tonumber(state[1] or '0')
local open_until = tonumber(state[2] or '0')
local probe_until = tonumber(state[3] or '0')
local successes = tonumber(state[4] or '0')

if ARGV[1] == 'success' then
  redis.call('HSET', KEYS[1], 'failures', 0, 'open_until', 0, 'probe_until', 0, 'successes', successes + 1)
  return {1, 0, successes + 1}
end

if ARGV[1] == 'withdraw' then
  if probe_until > 0 then
    redis.call('HSET', KEYS[1], 'probe_until', 0)
  end
  return {1, 0, successes}
end

if ARGV[1] == 'failure' then
  failures = failures + 1
  local asked = tonumber(ARGV[2])
  local threshold = tonumber(ARGV[3])
  if failures >= threshold or asked > 0 then
    local doubled = tonumber(ARGV[4]) * 2 ^ math.min(20, math.max(0, failures - threshold))
    local pause = math.min(tonumber(ARGV[5]), math.max(asked, doubled))
    -- A call that began before the breaker opened must not shorten the pause.
    open_until = math.max(open_until, math.floor(now + pause))
  end
  redis.call('HSET', KEYS[1], 'failures', failures, 'open_until', open_until, 'probe_until', 0)
  return {open_until > now and 0 or 1, math.max(0, open_until - now), successes}
end

-- admit
if open_until == 0 then
  return {1, 0, successes}
end
if now < open_until then
  return {0, open_until - now, successes}
end
if now < probe_until then
  return {0, probe_until - now, successes}
end
redis.call('HSET', KEYS[1], 'probe_until', now + tonumber(ARGV[2]))
return {1, 0, successes}
