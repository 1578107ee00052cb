-- name: serving_space
-- The space that recall reads.
SELECT space_id, provider, model, dimension, state FROM embedding_spaces WHERE state = 'serving'

-- name: question_stems
-- The stems of a question, in its order.
SELECT array_agg(w.lexeme ORDER BY w.positions[1]) AS stems FROM unnest(stems_of(%(query)s)) AS w

-- name: turn_features
-- What ranking needs to know of the user's turns, in one row: numbers one after another as bytes, which cost nothing to
-- read. The filters do not choose, they mark what passes: how common a word is does not depend on them. Which ones is
-- said in place of the mark, by one of the conditions that come next.
SELECT array_agg(f.session_id) AS sessions, string_agg(int8send(f.position), ''::bytea) AS positions,
       array_agg(f.speaker) AS speakers, string_agg(boolsend(f.is_user), ''::bytea) AS is_user,
       string_agg(float8send(f.said_at), ''::bytea) AS said_at,
       string_agg(int8send(length(f.stems) / 4), ''::bytea) AS sizes, string_agg(f.stems, ''::bytea) AS stems,
       string_agg(boolsend(f.passes), ''::bytea) AS passes, string_agg(float8send(0), ''::bytea) AS importance,
       string_agg(boolsend(false), ''::bytea) AS is_superseded, string_agg(boolsend(false), ''::bytea) AS is_chosen
FROM (
    SELECT t.session_id, t.position, coalesce(t.name, t.role) AS speaker, t.role IN ('user', 'exchange') AS is_user,
           extract(epoch FROM t.occurred_at)::float8 AS said_at,
           t.stems,
           %(topics)s::text[] IS NULL
           AND (%(session_filter)s::text IS NULL OR t.session_id = %(session_filter)s)
           AND (%(agent_id)s::text IS NULL OR coalesce(t.agent_id = %(agent_id)s, false))
           AND (%(metadata)s::jsonb IS NULL OR t.metadata @> %(metadata)s::jsonb)
           AND (%(since)s::timestamptz IS NULL OR s.at >= %(since)s)
           AND (%(until)s::timestamptz IS NULL OR s.at < %(until)s)
           AND (%(as_of)s::timestamptz IS NULL OR s.at <= %(as_of)s) AS passes
    FROM turns AS t
    CROSS JOIN LATERAL (
        SELECT CASE WHEN %(time)s = 'world' THEN t.occurred_at ELSE t.archived_at END AS at
    ) AS s
    WHERE t.tenant_id = %(tenant_id)s AND t.user_id = %(user_id)s AND t.removed_at IS NULL AND t.role <> 'edit'
          AND /* which */ true
    ORDER BY t.session_id, t.position
) AS f

-- name: unless_indexed
-- All, of a memory that is not indexed; otherwise nothing.
NOT EXISTS (SELECT FROM memory_indexes AS x WHERE x.tenant_id = %(tenant_id)s AND x.user_id = %(user_id)s)

-- name: named_turns
-- These turns.
(t.session_id, t.position) IN (SELECT * FROM unnest(%(sessions)s::text[], %(positions)s::bigint[]))

-- name: named_facts
-- These facts, or the evidence of them.
fact_id = ANY(%(fact_ids)s::uuid[])

-- name: named_vectors
-- The vectors of these.
(v.kind, v.item) IN (SELECT * FROM unnest(%(kinds)s::text[], %(items)s::text[]))

-- name: fact_features
-- The same of the user's facts: those that are current, or were at the time asked for, or were ever.
SELECT string_agg(uuid_send(f.fact_id), ''::bytea) AS ids,
       string_agg(float8send(f.at), ''::bytea) AS said_at,
       string_agg(int8send(length(f.stems) / 4), ''::bytea) AS sizes, string_agg(f.stems, ''::bytea) AS stems,
       string_agg(boolsend(f.passes), ''::bytea) AS passes,
       string_agg(float8send(f.importance), ''::bytea) AS importance,
       string_agg(boolsend(f.is_superseded), ''::bytea) AS is_superseded,
       string_agg(boolsend(f.is_chosen), ''::bytea) AS is_chosen
FROM (
    SELECT f.fact_id, extract(epoch FROM f.said_at)::float8 AS at,
           f.stems, f.importance, NOT f.is_by_rules AS is_chosen,
           f.status <> 'current' AND %(as_of)s::timestamptz IS NULL AS is_superseded,
           (%(topics)s::text[] IS NULL OR f.topics && %(topics)s)
           AND (%(session_filter)s::text IS NULL OR f.session_id = %(session_filter)s)
           AND (%(since)s::timestamptz IS NULL OR s.at >= %(since)s)
           AND (%(until)s::timestamptz IS NULL OR s.at < %(until)s)
           AND ((%(agent_id)s::text IS NULL AND %(metadata)s::jsonb IS NULL) OR EXISTS (
               SELECT FROM evidence AS e
               JOIN turns AS t USING (tenant_id, user_id, session_id, position)
               WHERE e.tenant_id = %(tenant_id)s AND e.user_id = %(user_id)s AND e.fact_id = f.fact_id
                     AND t.removed_at IS NULL
                     AND (%(agent_id)s::text IS NULL OR t.agent_id = %(agent_id)s)
                     AND (%(metadata)s::jsonb IS NULL OR t.metadata @> %(metadata)s::jsonb)
           )) AS passes
    FROM facts AS f
    CROSS JOIN LATERAL (SELECT CASE WHEN %(time)s = 'world' THEN f.said_at ELSE f.recorded_at END AS at) AS s
    WHERE f.tenant_id = %(tenant_id)s AND f.user_id = %(user_id)s
          AND CASE
              WHEN %(as_of)s::timestamptz IS NULL
                  THEN f.status = 'current' OR (f.status = 'superseded' AND %(include_superseded)s)
              WHEN %(time)s = 'recorded'
                  THEN f.recorded_at <= %(as_of)s AND (f.superseded_at IS NULL OR f.superseded_at > %(as_of)s)
              ELSE f.status <> 'retracted'
                   AND coalesce(f.ended_because, 'newer_value') IN ('newer_value', 'judged', 'expired', 'person')
                   AND coalesce(f.valid_from, f.first_said_at, f.said_at) <= %(as_of)s
                   AND (f.valid_to IS NULL OR f.valid_to > %(as_of)s)
          END
          AND /* which */ true
    ORDER BY f.fact_id
) AS f

-- name: cosines
-- The cosines of the user's vectors to the question's, by kind. What they belong to is found by the reader: without a
-- join there is no plan that could go wrong.
SELECT v.kind, array_agg(v.item) AS items,
       string_agg(float8send(-(v.embedding <#> %(vector)s::halfvec)), ''::bytea) AS cosines
FROM vectors AS v
WHERE v.tenant_id = %(tenant_id)s AND v.user_id = %(user_id)s AND v.space_id = %(space_id)s
      AND (v.kind <> 'episode' OR %(with_episodes)s) AND %(vector)s::halfvec IS NOT NULL
      AND /* which */ true
GROUP BY v.kind

-- name: evidence_features
-- Which turns the user's facts rest on.
SELECT string_agg(uuid_send(e.fact_id), ''::bytea) AS ids, array_agg(e.session_id) AS sessions,
       string_agg(int8send(e.position), ''::bytea) AS positions
FROM (
    SELECT DISTINCT fact_id, session_id, position FROM evidence
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s
          AND /* which */ true
    ORDER BY fact_id, session_id, position
) AS e

-- name: episode_features
-- The same of the user's episodes, where they are asked for.
SELECT string_agg(uuid_send(f.batch_id), ''::bytea) AS ids,
       string_agg(float8send(f.said_at), ''::bytea) AS said_at,
       string_agg(int8send(length(f.stems) / 4), ''::bytea) AS sizes, string_agg(f.stems, ''::bytea) AS stems,
       string_agg(boolsend(f.passes), ''::bytea) AS passes, string_agg(float8send(0), ''::bytea) AS importance,
       string_agg(boolsend(false), ''::bytea) AS is_superseded, string_agg(boolsend(true), ''::bytea) AS is_chosen
FROM (
    SELECT p.batch_id, extract(epoch FROM p.ended_at)::float8 AS said_at,
           p.stems,
           %(topics)s::text[] IS NULL
           AND (%(session_filter)s::text IS NULL OR p.session_id = %(session_filter)s)
           AND (%(since)s::timestamptz IS NULL OR s.at >= %(since)s)
           AND (%(until)s::timestamptz IS NULL OR s.at < %(until)s)
           AND (%(as_of)s::timestamptz IS NULL OR s.at <= %(as_of)s)
           AND ((%(agent_id)s::text IS NULL AND %(metadata)s::jsonb IS NULL) OR EXISTS (
               SELECT FROM turns AS t
               WHERE t.tenant_id = %(tenant_id)s AND t.user_id = %(user_id)s AND t.session_id = p.session_id
                     AND t.position BETWEEN b.first_position AND b.last_position AND t.removed_at IS NULL
                     AND (%(agent_id)s::text IS NULL OR t.agent_id = %(agent_id)s)
                     AND (%(metadata)s::jsonb IS NULL OR t.metadata @> %(metadata)s::jsonb)
           )) AS passes
    FROM episodes AS p
    JOIN batches AS b USING (tenant_id, user_id, batch_id)
    CROSS JOIN LATERAL (SELECT CASE WHEN %(time)s = 'world' THEN p.ended_at ELSE p.recorded_at END AS at) AS s
    WHERE p.tenant_id = %(tenant_id)s AND p.user_id = %(user_id)s AND %(with_episodes)s
    ORDER BY p.batch_id
) AS f

-- name: pending_features
-- The stems of turns that are not archived yet.
SELECT string_agg(int8send(length(f.stems) / 4), ''::bytea) AS sizes, string_agg(f.stems, ''::bytea) AS stems
FROM (
    SELECT stem_codes(p.said) AS stems FROM unnest(%(pending)s::text[]) WITH ORDINALITY AS p (said, place) ORDER BY p.place
) AS f

-- name: facts
-- Facts with what they superseded.
SELECT f.fact_id, f.session_id, f.text, f.status, f.category, f.topics, f.importance, f.valid_from, f.valid_to, f.said_at,
       ARRAY(
           SELECT o.text FROM facts AS o
           WHERE o.tenant_id = f.tenant_id AND o.user_id = f.user_id AND o.superseded_by = f.fact_id
                 AND o.status = 'superseded'
           ORDER BY o.said_at DESC
       ) AS superseded_texts
FROM facts AS f
WHERE f.tenant_id = %(tenant_id)s AND f.user_id = %(user_id)s AND f.fact_id = ANY(%(fact_ids)s)

-- name: evidence
-- The evidence of facts. Who reads it puts it in order: by the time, Postgres might begin at the user's oldest turn, and
-- look through all evidence for each one (seen before it knew anything of the tables, at twenty times the cost).
SELECT e.fact_id, e.session_id, t.turn_id, e.position, coalesce(t.name, t.role) AS speaker,
       t.occurred_at AS said_at, e.quote
FROM evidence AS e
JOIN turns AS t USING (tenant_id, user_id, session_id, position)
WHERE t.removed_at IS NULL AND e.tenant_id = %(tenant_id)s AND e.user_id = %(user_id)s AND e.fact_id = ANY(%(fact_ids)s)

-- name: turns
-- Turns by session and position.
SELECT t.session_id, t.position, t.turn_id, t.role, t.name, t.content, t.occurred_at
FROM turns AS t
WHERE t.tenant_id = %(tenant_id)s AND t.user_id = %(user_id)s
      AND t.removed_at IS NULL AND (t.session_id, t.position) IN (SELECT * FROM unnest(%(sessions)s::text[], %(positions)s::bigint[]))

-- name: episodes
-- Episodes by their batches.
SELECT p.batch_id, p.session_id, p.title, p.summary, p.ended_at
FROM episodes AS p
WHERE p.tenant_id = %(tenant_id)s AND p.user_id = %(user_id)s AND p.batch_id = ANY(%(batch_ids)s)

-- name: episode_turns
-- The turns that episodes tell of, in their order.
SELECT b.batch_id, t.session_id, t.turn_id, t.position, coalesce(t.name, t.role) AS speaker, t.occurred_at AS said_at,
       t.content AS quote
FROM batches AS b
JOIN turns AS t ON t.tenant_id = b.tenant_id AND t.user_id = b.user_id AND t.session_id = b.session_id
                   AND t.position BETWEEN b.first_position AND b.last_position
WHERE b.tenant_id = %(tenant_id)s AND b.user_id = %(user_id)s AND b.batch_id = ANY(%(batch_ids)s)
      AND t.removed_at IS NULL
ORDER BY t.position

-- name: newest_turns
-- The user's newest turns, whatever the session, newest first.
SELECT session_id, position, turn_id, role, name, content, occurred_at
FROM turns
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND removed_at IS NULL AND role <> 'edit'
ORDER BY occurred_at DESC, position DESC
LIMIT %(limit)s

-- name: session_turns
-- A session's last turns, newest first.
SELECT turn_id, role, content, occurred_at, name, agent_id, metadata, memories_shown, position
FROM turns
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s AND removed_at IS NULL
ORDER BY position DESC
LIMIT %(limit)s

-- name: is_settled
-- Whether nothing of a session waits to become facts, nor any edit of the user's.
SELECT NOT EXISTS (
    SELECT FROM sessions
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id IN (%(session_id)s, '~edits')
          AND cut_through < next_position - 1
) AND NOT EXISTS (
    SELECT FROM batches
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id IN (%(session_id)s, '~edits')
          AND state IN ('pending', 'extracted')
) AS is_settled

-- name: summary
-- A session's summary.
SELECT text, updated_at FROM summaries
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s
