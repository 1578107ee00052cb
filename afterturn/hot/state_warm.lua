-- Store a document as Postgres has it, unless a newer version is here.
--
-- KEYS[1], KEYS[2] see state_shared.lua
-- ARGV[1] the field of the document
-- ARGV[2] the token of the answer that asked for it. It differs if Redis was emptied or restarted, or the user was
--         forgotten since: what was read from Postgres may then be old.
-- ARGV[3] how long the keys are kept, seconds
-- ARGV[4] the largest size of all texts of the user, bytes
-- ARGV[5] version  ARGV[6] 1 if it is deleted or missing  ARGV[7] fence  ARGV[8] remaining time, ms; 0: no end
-- ARGV[9] when it was written, Unix ms  ARGV[10] the user's erasures  ARGV[11] id of the call that wrote it
-- ARGV[12] JSON text
--
-- Returns {1}; {0} if the token differs.
local life = call('HGET', KEYS[1], '#life')
if not life or life .. ' ' .. run ~= ARGV[2] then
  return {0}
end
local field = ARGV[1]
local known = read(field)
if known and known.version >= tonumber(ARGV[5]) then
  known.epoch, known.run = ARGV[10], run
  write(field, known)
  return {1}
end
if known and known.entry ~= '-' then
  call('HINCRBY', KEYS[1], '#pending', -1)
end
local ttl = tonumber(ARGV[8])
write(field, {
  version = tonumber(ARGV[5]), is_gone = ARGV[6] == '1', fence = tonumber(ARGV[7]),
  expires = ttl > 0 and now + ttl or 0, updated = tonumber(ARGV[9]), epoch = ARGV[10], run = run, entry = '-', put = ARGV[11],
}, ARGV[12])
make_room(field, tonumber(ARGV[4]))
set_lifetime(ARGV[3])
return {1}
