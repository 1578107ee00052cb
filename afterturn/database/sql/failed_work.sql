-- Summaries and sleeps that failed unexpectedly.

-- name: fail
-- Count a failure. It is tried again after a pause that doubles; after the last attempt it is dead.
INSERT INTO failed_work AS f (tenant_id, user_id, kind, item, reason, retry_at)
SELECT tenant_id, user_id, %(kind)s, %(item)s, %(reason)s,
       CASE WHEN %(attempts)s > 1 THEN now() + make_interval(secs => %(retry_seconds)s) END
FROM users WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s
ON CONFLICT (tenant_id, user_id, kind, item) DO UPDATE
SET reason = EXCLUDED.reason, attempts = f.attempts + 1, dead_at = now(), discarded_at = NULL,
    retry_at = CASE WHEN f.attempts + 1 < %(attempts)s
                    THEN now() + make_interval(secs => LEAST(%(max_seconds)s, %(retry_seconds)s * 2 ^ f.attempts)) END
RETURNING attempts, retry_at IS NULL AS is_dead

-- name: replay
-- Let dead ones be tried again: the sweep finds what they owe.
DELETE FROM failed_work
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND dead_id = ANY(%(dead_ids)s) AND retry_at IS NULL
RETURNING dead_id, reason

-- name: discard
-- Discard dead ones. Already discarded ones are unchanged.
UPDATE failed_work SET discarded_at = now()
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND dead_id = ANY(%(dead_ids)s) AND retry_at IS NULL
      AND discarded_at IS NULL
RETURNING dead_id, reason
