-- Facts, episodes and turns whose text the embedder refused while it embedded others.

-- name: add
-- Insert one item of a batch. It is retried after the given seconds; if they are null, it is dead.
INSERT INTO missing_vectors (tenant_id, user_id, space_id, kind, item, batch_id, session_id, reason, retry_at)
VALUES (
    %(tenant_id)s, %(user_id)s, %(space_id)s, %(kind)s, %(item)s, %(batch_id)s, %(session_id)s, %(reason)s,
    now() + make_interval(secs => %(retry_seconds)s::float8)
)
ON CONFLICT (tenant_id, user_id, space_id, kind, item)
DO UPDATE SET reason = EXCLUDED.reason, retry_at = EXCLUDED.retry_at, dead_at = now()

-- name: claim_due
-- Read users with due items, and postpone all their due items, so that no other worker retries them at the same time.
WITH due AS (
    SELECT DISTINCT tenant_id, user_id FROM (
        SELECT tenant_id, user_id FROM missing_vectors
        WHERE retry_at <= now()
              AND space_id IN (SELECT space_id FROM embedding_spaces WHERE state <> 'retired')
        ORDER BY retry_at LIMIT %(limit)s
    ) AS oldest
)
UPDATE missing_vectors AS m SET retry_at = now() + make_interval(secs => %(retry_seconds)s)
FROM due
WHERE m.tenant_id = due.tenant_id AND m.user_id = due.user_id AND m.retry_at <= now()
RETURNING m.tenant_id, m.user_id

-- name: lock_user
-- It comes before the lease in the order of locks.
SELECT FROM users WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s FOR NO KEY UPDATE

-- name: delete_gone
-- Delete items whose object no longer exists: a candidate that repeated a fact, or a turn that was removed.
DELETE FROM missing_vectors AS m
WHERE m.tenant_id = %(tenant_id)s AND m.user_id = %(user_id)s AND m.retry_at IS NOT NULL
      AND EXISTS (
          SELECT FROM batches AS b
          WHERE b.tenant_id = m.tenant_id AND b.user_id = m.user_id AND b.batch_id = m.batch_id AND b.state = 'applied'
      )
      AND CASE m.kind
          WHEN 'fact' THEN NOT EXISTS (
              SELECT FROM facts AS f
              WHERE f.tenant_id = m.tenant_id AND f.user_id = m.user_id AND f.fact_id = m.item::uuid
          )
          WHEN 'episode' THEN NOT EXISTS (
              SELECT FROM episodes AS e
              WHERE e.tenant_id = m.tenant_id AND e.user_id = m.user_id AND e.batch_id = m.batch_id
          )
          ELSE NOT EXISTS (
              SELECT FROM turns AS t
              WHERE t.tenant_id = m.tenant_id AND t.user_id = m.user_id AND t.session_id = m.session_id
                    AND t.position = substring(m.item FROM '[0-9]+$')::bigint AND t.removed_at IS NULL
          )
      END

-- name: owed
-- Read the items to retry, with their texts; for a turn, also the text of the turn before it in its batch. Items
-- that have no text yet, because their batch is not applied, are left out.
SELECT m.space_id, m.kind, m.item,
       coalesce(f.text, e.title || '. ' || e.summary, coalesce(t.name, t.role) || ': ' || t.content) AS text,
       coalesce(p.name, p.role) || ': ' || CASE WHEN p.removed_at IS NULL THEN p.content ELSE '' END AS before
FROM missing_vectors AS m
JOIN batches AS b ON b.tenant_id = m.tenant_id AND b.user_id = m.user_id AND b.batch_id = m.batch_id
LEFT JOIN facts AS f
    ON m.kind = 'fact' AND f.tenant_id = m.tenant_id AND f.user_id = m.user_id AND f.fact_id::text = m.item
LEFT JOIN episodes AS e
    ON m.kind = 'episode' AND e.tenant_id = m.tenant_id AND e.user_id = m.user_id AND e.batch_id = m.batch_id
LEFT JOIN turns AS t
    ON m.kind = 'turn' AND t.tenant_id = m.tenant_id AND t.user_id = m.user_id AND t.session_id = m.session_id
       AND t.position = substring(m.item FROM '[0-9]+$')::bigint AND t.removed_at IS NULL
LEFT JOIN turns AS p
    ON p.tenant_id = t.tenant_id AND p.user_id = t.user_id AND p.session_id = t.session_id
       AND p.position = t.position - 1 AND p.position >= b.first_position
WHERE m.tenant_id = %(tenant_id)s AND m.user_id = %(user_id)s AND m.retry_at IS NOT NULL
      AND coalesce(f.text, e.summary, t.content) IS NOT NULL
ORDER BY m.retry_at
LIMIT %(limit)s

-- name: delete
-- Delete an item that has its vector now.
DELETE FROM missing_vectors
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND space_id = %(space_id)s AND kind = %(kind)s
      AND item = %(item)s

-- name: failed_again
-- Count one more failed attempt. After the last one the item is dead.
UPDATE missing_vectors SET
    attempts = attempts + 1, reason = %(reason)s, dead_at = now(),
    retry_at = CASE WHEN attempts + 1 < %(attempts)s
                    THEN now() + make_interval(secs => %(retry_seconds)s * (attempts + 1)) END
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND space_id = %(space_id)s AND kind = %(kind)s
      AND item = %(item)s

-- name: replay
-- Make dead items due at once.
UPDATE missing_vectors SET retry_at = now(), attempts = 0, discarded_at = NULL
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND dead_id = ANY(%(dead_ids)s) AND retry_at IS NULL
RETURNING dead_id, reason

-- name: discard
-- Discard dead items. Already discarded ones are unchanged.
UPDATE missing_vectors SET discarded_at = now()
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND dead_id = ANY(%(dead_ids)s) AND retry_at IS NULL
      AND discarded_at IS NULL
RETURNING dead_id, reason
