-- Entries of pending streams that Postgres cannot archive.

-- name: add
-- Store an entry as it was written. If it is stored already, its reason is replaced.
INSERT INTO dead_entries (tenant_id, user_id, dead_id, session_id, entry_id, payload, reason)
VALUES (%(tenant_id)s, %(user_id)s, %(dead_id)s, %(session_id)s, %(entry_id)s, %(payload)s, %(reason)s)
ON CONFLICT (tenant_id, user_id, dead_id)
DO UPDATE SET reason = EXCLUDED.reason, payload = EXCLUDED.payload, dead_at = now(), discarded_at = NULL

-- name: take
-- Delete dead entries that are being replayed, in the order in which they died.
WITH taken AS (
    DELETE FROM dead_entries
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND dead_id = ANY(%(dead_ids)s)
    RETURNING dead_id, session_id, entry_id, payload, reason, dead_at
)
SELECT * FROM taken ORDER BY dead_at, entry_id

-- name: discard
-- Discard dead entries. Already discarded ones are unchanged.
UPDATE dead_entries SET discarded_at = now()
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND dead_id = ANY(%(dead_ids)s) AND discarded_at IS NULL
RETURNING dead_id, reason
