-- A circuit breaker that all workers share. One script, so that each step sees the state that it changes.
--
-- KEYS[1] at:breaker:<what>   hash: failures (in a row), open_until (ms), probe_until (ms), successes (ever),
--                             refused (callers in a row without a usable answer), refused_by (the last of them)
-- ARGV[1] admit | withdraw (the call says nothing about the endpoint) | success | failure | refusal
-- ARGV[2] admit: how long a probe may take, ms | failure: how long the server asked to be left alone, ms (0: not said)
--         | refusal: who called
-- ARGV[3] failure, refusal: failures in a row that open it
-- ARGV[4] failure, refusal: shortest pause, ms
-- ARGV[5] failure, refusal: longest pause, ms
--
-- A refusal is a failure that may be the input's fault: the same caller, refused again, counts once while it is closed.
--
-- Returns {1 where calls may be made, ms to wait, successes ever, others refused since the last success}.
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
