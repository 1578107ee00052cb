-- name: epochs
-- How often each of these users was forgotten.
SELECT owner_hash, max(epoch) AS epoch FROM erasures WHERE owner_hash = ANY(%(owner_hashes)s) GROUP BY owner_hash

-- name: unfinished
-- Erasures to be driven on.
SELECT DISTINCT tenant_id, user_id FROM erasures
WHERE completed_at IS NULL AND requested_at < now() - interval '1 second'
