-- The rate limit of one caller (GCRA): requests are spread over the window, and a whole window's worth may come at once.
--
-- KEYS[1] at:limit:<digest>   string: the time (ms, by this server's clock) at which the caller has its whole window's
--                             worth again; TTL until then
-- ARGV[1] how many requests a window allows
-- ARGV[2] the length of the window, ms
--
-- Returns {1 if the request is within the limit, otherwise 0; requests left; ms until the whole window's worth is there
-- again; ms until the next request is within the limit}.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + clock[2] / 1000
local window = tonumber(ARGV[2])
local interval = window / tonumber(ARGV[1])
local full_at = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0'))
-- The server's clock was set back: a caller never waits for longer than a window.
full_at = math.min(full_at, now + window)

local after = full_at + interval
-- A thousandth of a millisecond: sums of fractions are not exact.
if after - now > window + 0.001 then
  return {0, 0, math.ceil(full_at - now), math.max(1, math.ceil(after - now - window))}
end
redis.call('SET', KEYS[1], string.format('%.3f', after), 'PX', math.max(1, math.ceil(after - now)))
return {1, math.floor((window - (after - now)) / interval + 0.001), math.ceil(after - now), 0}
