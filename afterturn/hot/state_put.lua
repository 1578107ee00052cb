-- Write a new version of a document, and append it to the pending stream of the user's states, in one atomic step.
--
-- KEYS[1], KEYS[2] see state_shared.lua
-- KEYS[3] at:{shard}:locks:<user>       hash: see state_lock.lua
-- KEYS[4] at:{shard}:put:<id>           string: the version that this call has written, for its repetition
-- KEYS[5] at:{shard}:pending:<session>  stream: see write.lua. It has one entry of a document: the last one
-- KEYS[6] at:{shard}:due                zset
-- KEYS[7] at:{shard}:bytes              string
-- ARGV[1] the field of the document
-- ARGV[2] the id of this call, for #life too
-- ARGV[3] how long the keys are kept, seconds
-- ARGV[4] the largest size of all texts of the user, bytes
-- ARGV[5] the session's member in the due index
-- ARGV[6] limit of KEYS[7] in bytes
-- ARGV[7] the version that the document must have; 0: there must be none; empty: any
-- ARGV[8] the fence of a lock that the caller must hold; empty: none
-- ARGV[9] after how many ms the document expires; empty: never
-- ARGV[10] 1: delete it
-- ARGV[11] its JSON text
-- ARGV[12] the payload of its entry without the end, which is added here
-- ARGV[13] how long KEYS[4] is kept, ms
--
-- Returns {1, version, fence, erasures}; {0, token} if it must be read from Postgres first; {-1, version} if it has
-- another version; {-2} if the lock is not held. An error PENDINGLIMIT as write.lua.
local field, put, is_gone = ARGV[1], ARGV[2], ARGV[10] == '1'
local known = read(field)
local done = call('GET', KEYS[4]) or (known and known.put == put and known.version)
if done then
  return {1, tonumber(done), known and known.fence or 0, known and known.epoch or '-1'}
end
if not known or known.run ~= run then
  return answer_cold(put, ARGV[3])
end

if ARGV[8] ~= '' then
  local fence = tonumber(ARGV[8])
  local is_held = false
  local locks = call('HVALS', KEYS[3])
  for _, lock in ipairs(locks) do
    local its_fence, expires, its_run = string.match(lock, '^(%d+) (%d+) (%S+)$')
    if tonumber(its_fence) == fence and tonumber(expires) > now and its_run == run then
      is_held = true
    end
  end
  if not is_held or fence < known.fence then
    return {-2}
  end
  known.fence = fence
end
local current = visible_version(known)
if ARGV[7] ~= '' and tonumber(ARGV[7]) ~= current then
  return {-1, current}
end
if is_gone and current == 0 then
  return {1, 0, known.fence, known.epoch}
end

local version = known.version + 1
local payload = string.format('%s,"version":%.0f,"fence":%.0f}', ARGV[12], version, known.fence)
local size = #payload
if known.entry ~= '-' then
  local earlier = call('XRANGE', KEYS[5], known.entry, known.entry)
  if earlier[1] then
    size = size - #earlier[1][2][4]
  end
end
local total = call('INCRBY', KEYS[7], size)
if total > tonumber(ARGV[6]) and size > 0 then
  call('DECRBY', KEYS[7], size)
  return redis.error_reply('PENDINGLIMIT ' .. total)
end
if known.entry ~= '-' then
  -- The new version replaces one that no worker has archived. A worker that has read it may still archive it first.
  call('XDEL', KEYS[5], known.entry)
else
  call('HINCRBY', KEYS[1], '#pending', 1)
end
known.entry = call('XADD', KEYS[5], '*', 'i', put, 'd', payload)
call('ZADD', KEYS[6], 'NX', string.match(known.entry, '^%d+'), ARGV[5])
known.version, known.is_gone, known.updated, known.put = version, is_gone, now, put
known.expires = ARGV[9] ~= '' and now + tonumber(ARGV[9]) or 0
write(field, known, ARGV[11])
make_room(field, tonumber(ARGV[4]))
set_lifetime(ARGV[3])
call('SET', KEYS[4], string.format('%.0f', version), 'PX', ARGV[13])
return {1, version, known.fence, known.epoch}
