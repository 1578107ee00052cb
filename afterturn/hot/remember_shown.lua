-- Remember what a message of a chat was sent with, unless its user was forgotten meanwhile.
--
-- KEYS[1] at:{shard}:shown:<user>         hash: message or answer -> time of Redis, ms, a space, and the value
-- KEYS[2] at:{shard}:erased:<owner hash>  string: token of the last completed erasure
-- ARGV[1] the value of KEYS[2] before the memory was read; empty if there was none
-- ARGV[2] the field
-- ARGV[3] the value
-- ARGV[4] TTL of KEYS[1], seconds
-- ARGV[5] the largest number of fields
--
-- Returns 1, or 0 if the user was forgotten after the memory was read: the value must not outlive that.
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[1] then
  return 0
end
if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[5]) then
  local times, fields = {}, {}
  local found = redis.call('HGETALL', KEYS[1])
  for i = 1, #found, 2 do
    local ms = tonumber(string.match(found[i + 1], '^%d+'))
    times[#times + 1] = ms
    fields[#fields + 1] = { ms, found[i] }
  end
  table.sort(times)
  local middle = times[math.ceil(#times / 2)]
  for _, field in ipairs(fields) do
    if field[1] <= middle then
      redis.call('HDEL', KEYS[1], field[2])
    end
  end
end
local time = redis.call('TIME')
local ms = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('HSET', KEYS[1], ARGV[2], ms .. ' ' .. ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
