-- A circuit breaker that all workers share. It is one script, so that reading and changing the state is atomic.
--
-- KEYS[1] at:breaker:<what>   hash: failures (in a row), open_until (ms), probe_until (ms), successes (in total),
--                             refused (callers in a row without a usable answer), refused_by (the last of them)
-- ARGV[1] admit | withdraw (the call has no result for the endpoint) | success | failure | refusal
-- ARGV[2] admit: the longest time of a probe, ms | failure: the pause that the server requested, ms (0: none)
--         | refusal: who called
-- ARGV[3] failure, refusal: the number of failures in a row that opens the breaker
-- ARGV[4] failure, refusal: the shortest pause, ms
-- ARGV[5] failure, refusal: the longest pause, ms
--
-- The input may be the cause of a refusal: while the breaker is closed, repeated refusals of one caller count once.
--
-- Returns {1 if calls may be made, otherwise 0; ms to wait; successes in total; other callers refused since the last
-- success}.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local state = redis.call('HMGET', KEYS[1], 'failures', 'open_until', 'probe_until', 'successes', 'refused', 'refused_by')
local failures = tonumber(state[1] or '0')
local open_until = tonumber(state[2] or '0')
local probe_until = tonumber(state[3] or '0')
local successes = tonumber(state[4] or '0')
local refused = tonumber(state[5] or '0')

if ARGV[1] == 'success' then
  redis.call('HSET', KEYS[1], 'failures', 0, 'open_until', 0, 'probe_until', 0, 'successes', successes + 1,
             'refused', 0, 'refused_by', '')
  return {1, 0, successes + 1, 0}
end

if ARGV[1] == 'withdraw' then
  if probe_until > 0 then
    redis.call('HSET', KEYS[1], 'probe_until', 0)
  end
  return {1, 0, successes, refused}
end

if ARGV[1] == 'failure' or ARGV[1] == 'refusal' then
  local asked = 0
  local counts = true
  if ARGV[1] == 'failure' then
    asked = tonumber(ARGV[2])
  else
    local is_other = refused == 0 or state[6] ~= ARGV[2]
    counts = is_other or open_until > 0
    if is_other then
      refused = refused + 1
    end
    redis.call('HSET', KEYS[1], 'refused', refused, 'refused_by', ARGV[2])
  end
  if counts then
    failures = failures + 1
  end
  local threshold = tonumber(ARGV[3])
  if (counts and failures >= threshold) or asked > 0 then
    local doubled = tonumber(ARGV[4]) * 2 ^ math.min(20, math.max(0, failures - threshold))
    local pause = math.min(tonumber(ARGV[5]), math.max(asked, doubled))
    -- A call that began before the breaker opened must not shorten the pause.
    open_until = math.max(open_until, math.floor(now + pause))
  end
  redis.call('HSET', KEYS[1], 'failures', failures, 'open_until', open_until, 'probe_until', 0)
  return {open_until > now and 0 or 1, math.max(0, open_until - now), successes, math.max(0, refused - 1)}
end

-- admit
if open_until == 0 then
  return {1, 0, successes, refused}
end
if now < open_until then
  return {0, open_until - now, successes, refused}
end
if now < probe_until then
  return {0, probe_until - now, successes, refused}
end
redis.call('HSET', KEYS[1], 'probe_until', now + tonumber(ARGV[2]))
return {1, 0, successes, refused}
