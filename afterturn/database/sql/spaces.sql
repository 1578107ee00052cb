-- Embedding spaces: their states, and what each user's vectors lack (docs/explanation/decisions/038).

-- name: read
-- All spaces, the serving one first.
SELECT space_id, provider, model, dimension, state, generation, started_at, serving_since, retired_at, drop_at,
       is_dropping, dropped_at, problem, problem_at, now() AS now
FROM embedding_spaces ORDER BY state DESC, space_id DESC

-- name: lock
-- Lock all spaces, in one order, until the end of the transaction.
SELECT FROM embedding_spaces ORDER BY space_id FOR UPDATE

-- name: begin
-- Begin to build a space. One that was retired before is used again, with the vectors that it still has.
INSERT INTO embedding_spaces (provider, model, dimension, state, generation, started_at, keeps_previous)
VALUES (%(provider)s, %(model)s, %(dimension)s, 'building', nextval('lease_tokens'), now(), %(keeps_previous)s)
ON CONFLICT (provider, model, dimension) DO UPDATE
SET state = 'building', generation = EXCLUDED.generation, started_at = now(),
    keeps_previous = EXCLUDED.keeps_previous, serving_since = NULL, retired_at = NULL, drop_at = NULL,
    is_dropping = false, dropped_at = NULL, problem = NULL, problem_at = NULL

-- name: abort
-- Retire the space that is being built. Nobody reads its vectors: they are deleted at once.
UPDATE embedding_spaces SET state = 'retired', retired_at = now(), drop_at = now(), problem = NULL, problem_at = NULL
WHERE state = 'building'
RETURNING space_id

-- name: is_built
-- Whether the space that is being built has the vectors of every user.
SELECT NOT EXISTS (SELECT FROM users WHERE vectors_generation < b.generation) AS is_built
FROM embedding_spaces AS b WHERE b.state = 'building'

-- name: retire
-- The serving space does not serve any more. Clients may use its vectors for a little longer.
UPDATE embedding_spaces AS s SET state = 'retired', retired_at = now(),
    drop_at = CASE WHEN b.keeps_previous THEN NULL ELSE now() + make_interval(secs => %(keep_seconds)s) END
FROM embedding_spaces AS b
WHERE s.state = 'serving' AND b.state = 'building'

-- name: serve
-- The built space serves. Each user is looked at once more, for what was embedded meanwhile.
UPDATE embedding_spaces SET state = 'serving', serving_since = now(), generation = nextval('lease_tokens'),
    problem = NULL, problem_at = NULL
WHERE state = 'building'

-- name: order_drop
-- Let the vectors of retired spaces be deleted, as soon as no client uses them any more.
UPDATE embedding_spaces SET drop_at = greatest(now(), retired_at + make_interval(secs => %(seconds)s))
WHERE state = 'retired' AND dropped_at IS NULL AND NOT is_dropping
RETURNING space_id

-- name: begin_drops
-- Begin to delete the vectors of retired spaces that are due.
UPDATE embedding_spaces SET is_dropping = true, generation = nextval('lease_tokens')
WHERE state = 'retired' AND drop_at <= now() AND NOT is_dropping AND dropped_at IS NULL

-- name: finish_drops
-- The vectors of a space are deleted once every user has followed.
UPDATE embedding_spaces AS s SET is_dropping = false, drop_at = NULL, dropped_at = now()
WHERE s.is_dropping AND NOT EXISTS (SELECT FROM users WHERE vectors_generation < s.generation)

-- name: note_problem
-- Why a worker could not embed in a space that is being built.
UPDATE embedding_spaces SET problem = %(problem)s, problem_at = now() WHERE space_id = %(space_id)s AND state = 'building'

-- name: clear_problem
-- A worker embedded in the space.
UPDATE embedding_spaces SET problem = NULL, problem_at = NULL WHERE space_id = %(space_id)s AND problem IS NOT NULL

-- name: lock_state
-- The state of a space. It stays so until the end of the transaction.
SELECT state FROM embedding_spaces WHERE space_id = %(space_id)s FOR SHARE

-- name: reset_user
-- A batch of a user has no vectors in a space that is being built. Each number is another one: a worker that looked before
-- cannot say that the user is up to date.
UPDATE users SET vectors_generation = -nextval('lease_tokens'), vectors_hinted_at = NULL
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s

-- name: claim_owed
-- Users whose vectors lag behind the spaces and that were not handed out lately; marks them as handed out. No more than
-- `window` are worked on at a time.
WITH owed AS (
    SELECT u.tenant_id, u.user_id FROM users AS u
    WHERE u.vectors_generation < (SELECT max(generation) FROM embedding_spaces)
      AND (u.vectors_hinted_at IS NULL OR u.vectors_hinted_at < now() - make_interval(secs => %(hint_seconds)s))
      AND NOT EXISTS (
          SELECT FROM leases AS l
          WHERE l.tenant_id = u.tenant_id AND l.user_id = u.user_id AND l.kind = 'vectors' AND l.until > now()
      )
    ORDER BY u.vectors_generation, u.vectors_hinted_at NULLS FIRST
    LIMIT greatest(0, least(
        %(limit)s, %(window)s - (SELECT count(*) FROM leases WHERE kind = 'vectors' AND until > now())
    ))
    FOR NO KEY UPDATE OF u SKIP LOCKED
)
UPDATE users AS u SET vectors_hinted_at = now()
FROM owed
WHERE u.tenant_id = owed.tenant_id AND u.user_id = owed.user_id
RETURNING u.tenant_id, u.user_id

-- name: owed_of_user
-- The number of a user whose vectors lag behind the spaces, and whether one of the user's batches is being embedded by a
-- worker that may not know all spaces.
SELECT u.vectors_generation AS generation, (
    SELECT count(*) FROM batches AS b
    JOIN leases AS l ON l.tenant_id = b.tenant_id AND l.user_id = b.user_id AND l.kind = 'batch'
         AND l.item = b.batch_id::text
    WHERE b.tenant_id = u.tenant_id AND b.user_id = u.user_id AND b.state = 'extracted' AND b.embedded_at IS NULL
) = 0 AS is_quiet
FROM users AS u
WHERE u.tenant_id = %(tenant_id)s AND u.user_id = %(user_id)s
      AND u.vectors_generation < (SELECT max(generation) FROM embedding_spaces)

-- name: lock_user
-- Lock the user's row: no turn of the user is removed meanwhile. It comes before the lease in the order of locks.
SELECT FROM users WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s FOR NO KEY UPDATE

-- name: complete_user
-- The user's vectors agree with the spaces, unless a batch was embedded without one of them since. An index of vectors
-- that serve no more is built again.
UPDATE users AS u SET vectors_generation = %(generation)s, vectors_hinted_at = NULL,
    indexed_user_seq = CASE WHEN EXISTS (
        SELECT FROM memory_indexes AS i
        WHERE i.tenant_id = u.tenant_id AND i.user_id = u.user_id
          AND i.space_id IS DISTINCT FROM (SELECT space_id FROM embedding_spaces WHERE state = 'serving')
    ) THEN least(0, u.next_user_seq - 101) ELSE u.indexed_user_seq END
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND vectors_generation = %(before)s

-- name: hand_out_again
-- The time of a task was over: the next one goes on at once.
UPDATE users SET vectors_hinted_at = NULL WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s

-- name: page
-- The next items that have a vector in one space, or were refused there, and whether they lack one in another.
SELECT k.kind, k.item, NOT EXISTS (
    SELECT FROM vectors AS v
    WHERE v.tenant_id = %(tenant_id)s AND v.user_id = %(user_id)s AND v.space_id = %(target)s
          AND v.kind = k.kind AND v.item = k.item
) AND NOT EXISTS (
    SELECT FROM missing_vectors AS m
    WHERE m.tenant_id = %(tenant_id)s AND m.user_id = %(user_id)s AND m.space_id = %(target)s
          AND m.kind = k.kind AND m.item = k.item
) AS is_missing
FROM (
    (
        SELECT kind, item FROM vectors
        WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND space_id = %(source)s
              AND (kind, item) > (%(after_kind)s, %(after_item)s)
        ORDER BY kind, item LIMIT %(limit)s
    )
    UNION
    (
        SELECT kind, item FROM missing_vectors
        WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND space_id = %(source)s
              AND (kind, item) > (%(after_kind)s, %(after_item)s)
        ORDER BY kind, item LIMIT %(limit)s
    )
) AS k
ORDER BY k.kind, k.item
LIMIT %(limit)s

-- name: texts
-- The texts of items that a space has, or was refused, each with its batch, and of a turn the text of the one before it in
-- the batch. What is retracted, merged or taken back is deleted from every space at once.
SELECT m.kind, m.item, coalesce(b.batch_id, h.batch_id) AS batch_id,
       coalesce(b.session_id, h.session_id) AS session_id,
       coalesce(f.text, c.text, e.title || '. ' || e.summary, d.title || '. ' || d.summary,
                coalesce(t.name, t.role) || ': ' || t.content) AS text,
       coalesce(p.name, p.role) || ': ' || CASE WHEN p.removed_at IS NULL THEN p.content ELSE '' END AS before,
       t.session_id AS turn_session_id, t.position, t.cold_object IS NOT NULL AS is_cold,
       p.cold_object IS NOT NULL AND p.removed_at IS NULL AS is_before_cold
FROM (
    SELECT kind, item,
           CASE WHEN kind = 'fact' THEN item::uuid END AS fact_id,
           CASE WHEN kind = 'episode' THEN item::uuid END AS episode_id,
           CASE WHEN kind = 'turn' THEN substring(item FROM '[0-9]+$')::bigint END AS position,
           CASE WHEN kind = 'turn' THEN regexp_replace(item, '/[0-9]+$', '') END AS session_id
    FROM unnest(%(kinds)s::text[], %(items)s::text[]) AS named (kind, item)
) AS m
LEFT JOIN facts AS f
    ON f.tenant_id = %(tenant_id)s AND f.user_id = %(user_id)s AND f.fact_id = m.fact_id
LEFT JOIN candidates AS c
    ON f.fact_id IS NULL AND c.tenant_id = %(tenant_id)s AND c.user_id = %(user_id)s AND c.fact_id = m.fact_id
LEFT JOIN episodes AS e
    ON e.tenant_id = %(tenant_id)s AND e.user_id = %(user_id)s AND e.batch_id = m.episode_id
LEFT JOIN episode_drafts AS d
    ON e.batch_id IS NULL AND d.tenant_id = %(tenant_id)s AND d.user_id = %(user_id)s AND d.batch_id = m.episode_id
LEFT JOIN turns AS t
    ON t.tenant_id = %(tenant_id)s AND t.user_id = %(user_id)s AND t.session_id = m.session_id
       AND t.position = m.position AND t.removed_at IS NULL
LEFT JOIN batches AS b
    ON b.tenant_id = %(tenant_id)s AND b.user_id = %(user_id)s
       AND b.batch_id = coalesce(f.batch_id, c.batch_id, m.episode_id)
LEFT JOIN batches AS h
    ON h.tenant_id = %(tenant_id)s AND h.user_id = %(user_id)s AND h.session_id = t.session_id
       AND h.kind <> 'manual' AND t.position BETWEEN h.first_position AND h.last_position
LEFT JOIN turns AS p
    ON p.tenant_id = %(tenant_id)s AND p.user_id = %(user_id)s AND p.session_id = t.session_id
       AND p.position = t.position - 1 AND p.position >= h.first_position
WHERE coalesce(f.text, c.text, e.summary, d.summary, t.content) IS NOT NULL
      AND coalesce(b.batch_id, h.batch_id) IS NOT NULL
      AND (EXISTS (
          SELECT FROM vectors AS v
          WHERE v.tenant_id = %(tenant_id)s AND v.user_id = %(user_id)s AND v.space_id = %(source)s
                AND v.kind = m.kind AND v.item = m.item
      ) OR EXISTS (
          SELECT FROM missing_vectors AS n
          WHERE n.tenant_id = %(tenant_id)s AND n.user_id = %(user_id)s AND n.space_id = %(source)s
                AND n.kind = m.kind AND n.item = m.item
      ))

-- name: delete_vectors
-- Delete some vectors of spaces whose vectors are being deleted.
DELETE FROM vectors
WHERE (tenant_id, user_id, space_id, kind, item) IN (
    SELECT v.tenant_id, v.user_id, v.space_id, v.kind, v.item FROM vectors AS v
    WHERE v.tenant_id = %(tenant_id)s AND v.user_id = %(user_id)s
          AND v.space_id IN (SELECT space_id FROM embedding_spaces WHERE is_dropping)
    LIMIT %(limit)s
)

-- name: delete_missing
-- Nobody embeds in a retired space any more. Vectors in place of others go too: the space may be used again.
WITH gone AS (
    DELETE FROM missing_vectors
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s
          AND space_id IN (SELECT space_id FROM embedding_spaces WHERE state = 'retired')
    RETURNING tenant_id, user_id, space_id, kind, item
)
DELETE FROM vectors AS v USING gone AS g
WHERE v.tenant_id = g.tenant_id AND v.user_id = g.user_id AND v.space_id = g.space_id AND v.kind = g.kind
      AND v.item = g.item

-- name: progress
-- How many users there are, and how many of them have followed a change.
SELECT count(*) AS users, count(*) FILTER (WHERE vectors_generation >= %(generation)s) AS done FROM users

-- name: count_vectors
-- How many vectors each space has, and how many texts it could not embed. Vectors are counted where that takes seconds.
WITH size AS (SELECT reltuples < 5000000 AS is_small FROM pg_class WHERE oid = 'vectors'::regclass)
SELECT s.space_id, CASE WHEN (SELECT is_small FROM size) THEN coalesce(v.vectors, 0) END AS vectors,
       coalesce(m.texts, 0) AS refused
FROM embedding_spaces AS s
LEFT JOIN (
    SELECT space_id, count(*) AS vectors FROM vectors WHERE (SELECT is_small FROM size) GROUP BY space_id
) AS v USING (space_id)
LEFT JOIN (SELECT space_id, count(*) AS texts FROM missing_vectors GROUP BY space_id) AS m USING (space_id)
