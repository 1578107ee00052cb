-- What the scripts of agent state share; it precedes each of them.
--
-- KEYS[1] at:{shard}:state:<user>      hash: field of a document -> what is known of it (see `read`), and
--                                      #life  a random id; it ends when the key is deleted or Redis is emptied
--                                      #bytes size of all texts in KEYS[2]
--                                      #pending number of documents with an entry in the pending stream
-- KEYS[2] at:{shard}:documents:<user>  hash: field of a document -> its JSON text
local call = redis.call
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- The start of this server. After a restart or a failover it may have lost what it had acknowledged, so that what an
-- earlier start stored is used again only after a comparison with Postgres.
local run = string.match(call('INFO', 'server'), 'run_id:(%x+)') or '-'

-- Return what is known of a document; nil if it is not here.
local function read(field)
  local text = call('HGET', KEYS[1], field)
  if not text then
    return nil
  end
  local part = {}
  for word in string.gmatch(text, '%S+') do
    part[#part + 1] = word
  end
  return {
    version = tonumber(part[1]), -- 0: there was never one
    is_gone = part[2] == '1', -- deleted
    fence = tonumber(part[3]),
    expires = tonumber(part[4]), -- ms; 0: never
    updated = tonumber(part[5]), -- ms
    epoch = part[6], -- the user's erasures when it was read from Postgres
    run = part[7],
    entry = part[8], -- the id of its entry in the pending stream; '-': it is archived
    put = part[9], -- the id of the call that wrote it
  }
end

-- The version that callers see: 0 if there is no document.
local function visible_version(known)
  if known.is_gone or (known.expires > 0 and known.expires <= now) then
    return 0
  end
  return known.version
end

-- Remove documents that are archived, until the others take half of the limit or less.
local function make_room(field, limit)
  if tonumber(call('HGET', KEYS[1], '#bytes') or 0) <= limit and call('HLEN', KEYS[1]) <= 4096 then
    return
  end
  for _, other in ipairs(call('HKEYS', KEYS[1])) do
    if other ~= field and string.sub(other, 1, 1) ~= '#' and read(other).entry == '-' then
      call('HINCRBY', KEYS[1], '#bytes', -call('HSTRLEN', KEYS[2], other))
      call('HDEL', KEYS[1], other)
      call('HDEL', KEYS[2], other)
    end
  end
end

local function write(field, known, text)
  call('HSET', KEYS[1], field, string.format(
    '%.0f %s %.0f %.0f %.0f %s %s %s %s', known.version, known.is_gone and '1' or '0', known.fence, known.expires,
    known.updated, known.epoch, known.run, known.entry, known.put
  ))
  if text then
    call('HINCRBY', KEYS[1], '#bytes', #text - call('HSTRLEN', KEYS[2], field))
    if known.is_gone then
      call('HDEL', KEYS[2], field)
    else
      call('HSET', KEYS[2], field, text)
    end
  end
end

-- The keys expire together, but not while something in them is only here.
local function set_lifetime(seconds)
  local is_pending = tonumber(call('HGET', KEYS[1], '#pending') or 0) > 0
  for i = 1, 2 do
    if is_pending then
      call('PERSIST', KEYS[i])
    else
      call('EXPIRE', KEYS[i], seconds)
    end
  end
end

-- The answer if a document has to be read from Postgres first: what must be unchanged when it is stored here.
local function answer_cold(life, seconds)
  if call('HSETNX', KEYS[1], '#life', life) == 1 then
    set_lifetime(seconds)
  end
  return {0, call('HGET', KEYS[1], '#life') .. ' ' .. run}
end

