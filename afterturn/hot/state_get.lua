-- Read a document.
--
-- KEYS[1], KEYS[2] see state_shared.lua
-- ARGV[1] the field of the document
-- ARGV[2] a random id for #life
-- ARGV[3] how long the keys are kept, seconds
--
-- Returns {1, version, JSON text}, with version 0 and an empty text if there is no document; or {0, token} if it must
-- be read from Postgres.
local known = read(ARGV[1])
if not known or known.run ~= run then
  return answer_cold(ARGV[2], ARGV[3])
end
local version = visible_version(known)
return {1, version, version > 0 and call('HGET', KEYS[2], ARGV[1]) or ''}
