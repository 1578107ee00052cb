-- Note that entries of documents are archived: the documents may now expire.
--
-- KEYS[1], KEYS[2] see state_shared.lua
-- ARGV[1] how long the keys are kept, seconds
-- ARGV[2], ARGV[3], and so on: the field of a document and the id of its entry
--
-- A document that was written meanwhile has another entry, and is not changed.
for i = 2, #ARGV, 2 do
  local known = read(ARGV[i])
  if known and known.entry == ARGV[i + 1] then
    known.entry = '-'
    write(ARGV[i], known)
    if call('HINCRBY', KEYS[1], '#pending', -1) <= 0 then
      call('HDEL', KEYS[1], '#pending')
    end
  end
end
if call('EXISTS', KEYS[1]) == 1 then
  set_lifetime(ARGV[1])
end
return 1
