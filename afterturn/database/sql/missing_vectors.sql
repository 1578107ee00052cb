-- Facts, episodes and turns that lack the vector of their text: the embedder refused it while it embedded others, or the
-- text was made without a call (docs/explanation/decisions/057).

-- name: add
-- Insert one item of a batch. It is retried after the given seconds; if they are null, it is dead.
INSERT INTO missing_vectors (tenant_id, user_id, space_id, kind, item, batch_id, session_id, reason, retry_at)
VALUES (
    %(tenant_id)s, %(user_id)s, %(space_id)s, %(kind)s, %(item)s, %(batch_id)s, %(session_id)s, %(reason)s,
    now() + make_interval(secs => %(retry_seconds)s::float8)
)
ON CONFLICT (tenant_id, user_id, space_id, kind, item)
DO UPDATE SET reason = EXCLUDED.reason, retry_at = EXCLUDED.retry_at, dead_at = now()

-- name: owe_facts
-- Insert facts whose texts no embedder has seen, in every space that is in use. Vectors that they have are provisional.
INSERT INTO missing_vectors (tenant_id, user_id, space_id, kind, item, batch_id, session_id, reason, attempts, retry_at)
SELECT f.tenant_id, f.user_id, s.space_id, 'fact', f.fact_id::text, f.batch_id, f.session_id, 'not_embedded', 0, now()
FROM facts AS f CROSS JOIN embedding_spaces AS s
WHERE f.tenant_id = %(tenant_id)s AND f.user_id = %(user_id)s AND f.fact_id = ANY(%(fact_ids)s) AND s.state <> 'retired'
ON CONFLICT DO NOTHING

-- name: owe_version
-- Insert a new version of a fact in the spaces in which the old version is missing, or has no vector that could be copied.
INSERT INTO missing_vectors (
    tenant_id, user_id, space_id, kind, item, batch_id, session_id, reason, attempts, retry_at, discarded_at
)
SELECT f.tenant_id, f.user_id, s.space_id, 'fact', f.fact_id::text, f.batch_id, f.session_id,
       coalesce(m.reason, 'not_embedded'), coalesce(m.attempts, 0),
       CASE WHEN m.dead_id IS NULL THEN now() ELSE m.retry_at END, m.discarded_at
FROM facts AS f
CROSS JOIN embedding_spaces AS s
LEFT JOIN missing_vectors AS m ON m.tenant_id = f.tenant_id AND m.user_id = f.user_id AND m.space_id = s.space_id
     AND m.kind = 'fact' AND m.item = %(fact_id)s::uuid::text
WHERE f.tenant_id = %(tenant_id)s AND f.user_id = %(user_id)s AND f.fact_id = %(new_id)s
      AND (m.dead_id IS NOT NULL OR s.state <> 'retired' AND NOT EXISTS (
          SELECT FROM vectors AS v
          WHERE v.tenant_id = f.tenant_id AND v.user_id = f.user_id AND v.space_id = s.space_id AND v.kind = 'fact'
                AND v.item = f.fact_id::text
      ))
ON CONFLICT DO NOTHING

-- name: owe_episode
-- Insert the episode of a batch, if it has one, after its text was changed, in every space that is in use.
INSERT INTO missing_vectors (tenant_id, user_id, space_id, kind, item, batch_id, session_id, reason, attempts, retry_at)
SELECT e.tenant_id, e.user_id, s.space_id, 'episode', e.batch_id::text, e.batch_id, e.session_id, 'not_embedded', 0, now()
FROM episodes AS e CROSS JOIN embedding_spaces AS s
WHERE e.tenant_id = %(tenant_id)s AND e.user_id = %(user_id)s AND e.batch_id = %(batch_id)s AND s.state <> 'retired'
ON CONFLICT DO NOTHING

-- name: owe_turn
-- Delete the vectors of a turn, and insert it in the spaces that are in use and had one. A batch that is not applied is
-- embedded anyway.
WITH stale AS (
    DELETE FROM vectors
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND kind = 'turn' AND item = %(item)s
    RETURNING tenant_id, user_id, space_id, kind, item
)
INSERT INTO missing_vectors (tenant_id, user_id, space_id, kind, item, batch_id, session_id, reason, attempts, retry_at)
SELECT o.tenant_id, o.user_id, o.space_id, o.kind, o.item, %(batch_id)s, %(session_id)s, 'not_embedded', 0, now()
FROM stale AS o
JOIN embedding_spaces AS s USING (space_id)
JOIN batches AS b ON b.tenant_id = o.tenant_id AND b.user_id = o.user_id AND b.batch_id = %(batch_id)s
WHERE s.state <> 'retired' AND b.state = 'applied'
ON CONFLICT DO NOTHING

-- name: delete_provisional
-- Delete the vectors that items have in place of their own.
DELETE FROM vectors
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND space_id = %(space_id)s
      AND (kind, item) IN (SELECT * FROM unnest(%(kinds)s::text[], %(items)s::text[]))

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
LEFT JOIN batches AS b ON b.tenant_id = m.tenant_id AND b.user_id = m.user_id AND b.batch_id = m.batch_id
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
