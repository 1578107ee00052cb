-- name: owes_stems
-- Whether some texts of the user have the stems of English, whatever their language is; and the time.
SELECT owes_stems, clock_timestamp() AS now FROM users WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s

-- name: next_turns
-- The turns after one, in order.
SELECT session_id, position, name, content FROM turns
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s
      AND (session_id, position) > (%(after_session)s, %(after_position)s::bigint) AND cold_object IS NULL
ORDER BY session_id, position
LIMIT %(limit)s

-- name: next_facts
-- The facts after one, in the order of their ids.
SELECT fact_id AS item, text FROM facts
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND (%(after)s::uuid IS NULL OR fact_id > %(after)s::uuid)
ORDER BY fact_id
LIMIT %(limit)s

-- name: next_episodes
-- The episodes after one, in the order of their batches' ids.
SELECT batch_id AS item, title, summary FROM episodes
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND (%(after)s::uuid IS NULL OR batch_id > %(after)s::uuid)
ORDER BY batch_id
LIMIT %(limit)s

-- name: replace_turns
-- Replace the stems of turns where they are others.
UPDATE turns AS t SET stems = given.stems
FROM (
    SELECT session_id, position, stem_codes(words, configuration::regconfig) || pieces AS stems
    FROM unnest(
        %(sessions)s::text[], %(positions)s::bigint[], %(words)s::text[], %(configurations)s::text[], %(pieces)s::bytea[]
    ) AS g (session_id, position, words, configuration, pieces)
) AS given
WHERE t.tenant_id = %(tenant_id)s AND t.user_id = %(user_id)s AND t.session_id = given.session_id
      AND t.position = given.position AND t.stems IS DISTINCT FROM given.stems

-- name: replace_facts
-- Replace the stems of facts where they are others.
UPDATE facts AS f SET stems = given.stems
FROM (
    SELECT item, stem_codes(words, configuration::regconfig) || pieces AS stems
    FROM unnest(%(items)s::uuid[], %(words)s::text[], %(configurations)s::text[], %(pieces)s::bytea[])
         AS g (item, words, configuration, pieces)
) AS given
WHERE f.tenant_id = %(tenant_id)s AND f.user_id = %(user_id)s AND f.fact_id = given.item
      AND f.stems IS DISTINCT FROM given.stems

-- name: replace_episodes
-- Replace the stems of episodes where they are others.
UPDATE episodes AS e SET stems = given.stems
FROM (
    SELECT item, stem_codes(words, configuration::regconfig) || pieces AS stems
    FROM unnest(%(items)s::uuid[], %(words)s::text[], %(configurations)s::text[], %(pieces)s::bytea[])
         AS g (item, words, configuration, pieces)
) AS given
WHERE e.tenant_id = %(tenant_id)s AND e.user_id = %(user_id)s AND e.batch_id = given.item
      AND e.stems IS DISTINCT FROM given.stems

-- name: mark_replaced
-- Nothing is owed any more, unless texts came meanwhile: they may be of a worker of an earlier release.
UPDATE users AS u SET owes_stems = false, stems_hinted_at = NULL
WHERE u.tenant_id = %(tenant_id)s AND u.user_id = %(user_id)s
      AND NOT EXISTS (
          SELECT FROM turns AS t
          WHERE t.tenant_id = u.tenant_id AND t.user_id = u.user_id AND t.archived_at >= %(began_at)s
      )
      AND NOT EXISTS (
          SELECT FROM facts AS f
          WHERE f.tenant_id = u.tenant_id AND f.user_id = u.user_id AND f.recorded_at >= %(began_at)s
      )
