-- name: active_spaces
-- Read the embedding space that recall uses, and one that is being built.
SELECT space_id, provider, model, dimension, state FROM embedding_spaces WHERE state <> 'retired'

-- name: question_words
-- Compute the words of a question, in its order: the stem of each in the language of the question (the first
-- configuration), and its stems in all others. Stop words of the question's language are left out.
SELECT min(w.lexeme) FILTER (WHERE c.place = 1) AS stem, array_agg(DISTINCT w.lexeme) AS stems
FROM unnest(%(question_configurations)s::text[]) WITH ORDINALITY AS c (name, place)
CROSS JOIN LATERAL unnest(to_tsvector(
    c.name::regconfig,
    left(%(question_words)s, CASE WHEN c.place = 1 THEN 65000 ELSE %(all_characters)s END)
)) AS w
CROSS JOIN LATERAL unnest(w.positions) AS p (position)
GROUP BY p.position
HAVING bool_or(c.place = 1)
ORDER BY p.position

-- name: turn_features
-- Read the features of the user's turns, in one row: each column holds the numbers of all turns as bytes, because bytes are
-- the fastest to decode. The filters only mark the turns that pass, because the frequency of words must not depend on the
-- filters. The comment "condition" is replaced by one of the four conditions that follow.
SELECT array_agg(f.session_id) AS sessions, string_agg(int8send(f.position), ''::bytea) AS positions,
       array_agg(f.speaker) AS speakers, string_agg(boolsend(f.is_user), ''::bytea) AS is_user,
       string_agg(float8send(f.said_at), ''::bytea) AS said_at,
       string_agg(int8send(length(f.stems) / 4), ''::bytea) AS lengths, string_agg(f.stems, ''::bytea) AS stems,
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
          AND /* condition */ true
    ORDER BY t.session_id, t.position
) AS f

-- name: clock
-- The time by which facts fade: `as_of`, otherwise the time of the user's newest turn (archived until `as_of`, if that is a
-- time of recording).
(SELECT CASE
    WHEN %(time)s = 'world' AND %(as_of)s::timestamptz IS NOT NULL THEN %(as_of)s
    ELSE newest_said_at(%(tenant_id)s, %(user_id)s, %(pending_said_at)s::timestamptz, %(as_of)s::timestamptz)
END)

-- name: unless_indexed
-- Condition: all documents of a memory without index; no document of an indexed memory.
NOT EXISTS (SELECT FROM memory_indexes AS x WHERE x.tenant_id = %(tenant_id)s AND x.user_id = %(user_id)s)

-- name: turns_with_keys
-- Condition: turns by session and position.
(t.session_id, t.position) IN (SELECT * FROM unnest(%(sessions)s::text[], %(positions)s::bigint[]))

-- name: facts_with_ids
-- Condition: facts by id, or the evidence of these facts.
fact_id = ANY(%(fact_ids)s::uuid[])

-- name: vectors_with_items
-- Condition: vectors by kind and item.
(v.kind, v.item) IN (SELECT * FROM unnest(%(kinds)s::text[], %(items)s::text[]))

-- name: fact_features
-- Read the features of the user's facts: the current ones, those at the time `as_of`, or also the superseded ones. A fact that
-- has faded does not pass, and still shows what the turns are about that it rests on. A plan holds since it was said, and
-- until something else is said.
SELECT string_agg(uuid_send(f.fact_id), ''::bytea) AS ids,
       string_agg(float8send(f.at), ''::bytea) AS said_at,
       string_agg(int8send(length(f.stems) / 4), ''::bytea) AS lengths, string_agg(f.stems, ''::bytea) AS stems,
       string_agg(boolsend(f.passes), ''::bytea) AS passes,
       string_agg(float8send(f.importance), ''::bytea) AS importance,
       string_agg(boolsend(f.is_superseded), ''::bytea) AS is_superseded,
       string_agg(boolsend(f.is_chosen), ''::bytea) AS is_chosen
FROM (
    SELECT f.fact_id, extract(epoch FROM f.said_at)::float8 AS at,
           f.stems, f.importance, NOT f.is_by_rules AS is_chosen,
           f.status <> 'current' AND %(as_of)s::timestamptz IS NULL AS is_superseded,
           (f.fades_at IS NULL OR f.is_pinned OR %(include_faded)s OR f.fades_at > /* clock */ now())
           AND (%(topics)s::text[] IS NULL OR f.topics && %(topics)s)
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
                   AND coalesce(f.ended_because, 'newer_value') IN ('newer_value', 'judged', 'ended', 'expired', 'person')
                   AND coalesce(
                       CASE WHEN f.life = 'plan' THEN NULL ELSE f.valid_from END, f.first_said_at, f.said_at
                   ) <= %(as_of)s
                   AND (f.valid_to IS NULL OR f.valid_to > %(as_of)s OR (f.life = 'plan' AND f.status = 'current'))
                   -- Where the fact that superseded it was removed, the version that was reinstated is read instead.
                   AND NOT EXISTS (
                       SELECT FROM facts AS n
                       WHERE n.tenant_id = %(tenant_id)s AND n.user_id = %(user_id)s AND n.fact_id = f.superseded_by
                             AND n.status = 'retracted' AND n.ended_because = 'removed'
                   )
          END
          AND /* condition */ true
    ORDER BY f.fact_id
) AS f

-- name: cosines
-- Compute the cosines between the user's vectors and the vector of the question, by kind. The caller assigns them to documents:
-- a query without a join cannot get a bad plan.
SELECT v.kind, array_agg(v.item) AS items,
       string_agg(float8send(-(v.embedding <#> %(vector)s::halfvec)), ''::bytea) AS cosines
FROM vectors AS v
WHERE v.tenant_id = %(tenant_id)s AND v.user_id = %(user_id)s AND v.space_id = %(space_id)s
      AND (v.kind <> 'episode' OR %(with_episodes)s) AND %(vector)s::halfvec IS NOT NULL
      AND /* condition */ true
GROUP BY v.kind

-- name: evidence_features
-- Read the turns that are evidence of the user's facts.
SELECT string_agg(uuid_send(e.fact_id), ''::bytea) AS ids, array_agg(e.session_id) AS sessions,
       string_agg(int8send(e.position), ''::bytea) AS positions
FROM (
    SELECT DISTINCT fact_id, session_id, position FROM evidence
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s
          AND /* condition */ true
    ORDER BY fact_id, session_id, position
) AS e

-- name: episode_features
-- Read the features of the user's episodes, if the search includes episodes.
SELECT string_agg(uuid_send(f.batch_id), ''::bytea) AS ids,
       string_agg(float8send(f.said_at), ''::bytea) AS said_at,
       string_agg(int8send(length(f.stems) / 4), ''::bytea) AS lengths, string_agg(f.stems, ''::bytea) AS stems,
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
-- Compute the stems of turns that are not archived yet.
SELECT string_agg(int8send(length(f.stems) / 4), ''::bytea) AS lengths, string_agg(f.stems, ''::bytea) AS stems
FROM (
    SELECT stem_codes(p.words, p.configuration::regconfig) || p.pieces AS stems
    FROM unnest(%(words)s::text[], %(configurations)s::text[], %(pieces)s::bytea[])
         WITH ORDINALITY AS p (words, configuration, pieces, place)
    ORDER BY p.place
) AS f

-- name: facts
-- Read facts by id, with the texts of the facts that they superseded, and of those that contradict them.
SELECT f.fact_id, f.session_id, f.text, f.status, f.category, f.topics, f.importance, f.valid_from, f.valid_to, f.said_at,
       f.first_said_at, f.life, CASE WHEN f.is_pinned THEN NULL ELSE f.fades_at END AS fades_at, /* clock */ now() AS clock,
       ARRAY(
           SELECT o.text FROM facts AS o
           WHERE o.tenant_id = f.tenant_id AND o.user_id = f.user_id AND o.superseded_by = f.fact_id
                 AND o.status = 'superseded'
           ORDER BY o.said_at DESC
       ) AS superseded_texts,
       contradicting_texts(f.tenant_id, f.user_id, f.fact_id) AS contradicting_texts
FROM facts AS f
WHERE f.tenant_id = %(tenant_id)s AND f.user_id = %(user_id)s AND f.fact_id = ANY(%(fact_ids)s)

-- name: evidence
-- Read the evidence of facts. The caller sorts it: with ORDER BY occurred_at, Postgres may start at the user's oldest turn and
-- search all evidence for each turn (seen before the tables were analyzed: twenty times the cost).
SELECT e.fact_id, e.session_id, t.turn_id, e.position, coalesce(t.name, t.role) AS speaker,
       t.occurred_at AS said_at, e.quote
FROM evidence AS e
JOIN turns AS t USING (tenant_id, user_id, session_id, position)
WHERE t.removed_at IS NULL AND e.tenant_id = %(tenant_id)s AND e.user_id = %(user_id)s AND e.fact_id = ANY(%(fact_ids)s)

-- name: turns
-- Read turns by session and position.
SELECT t.session_id, t.position, t.turn_id, t.role, t.name, t.content, t.occurred_at
FROM turns AS t
WHERE t.tenant_id = %(tenant_id)s AND t.user_id = %(user_id)s
      AND t.removed_at IS NULL AND t.role <> 'edit' AND (t.session_id, t.position) IN (SELECT * FROM unnest(%(sessions)s::text[], %(positions)s::bigint[]))

-- name: episodes
-- Read episodes by batch.
SELECT p.batch_id, p.session_id, p.title, p.summary, p.ended_at
FROM episodes AS p
WHERE p.tenant_id = %(tenant_id)s AND p.user_id = %(user_id)s AND p.batch_id = ANY(%(batch_ids)s)

-- name: episode_turns
-- Read the turns that episodes summarize, in order.
SELECT b.batch_id, t.session_id, t.turn_id, t.position, coalesce(t.name, t.role) AS speaker, t.occurred_at AS said_at,
       t.content AS quote
FROM batches AS b
JOIN turns AS t ON t.tenant_id = b.tenant_id AND t.user_id = b.user_id AND t.session_id = b.session_id
                   AND t.position BETWEEN b.first_position AND b.last_position
WHERE b.tenant_id = %(tenant_id)s AND b.user_id = %(user_id)s AND b.batch_id = ANY(%(batch_ids)s)
      AND t.removed_at IS NULL
ORDER BY t.position

-- name: newest_turns
-- Read the newest turns of a user in all sessions, newest first.
SELECT session_id, position, turn_id, role, name, content, occurred_at
FROM turns
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND removed_at IS NULL AND role <> 'edit'
ORDER BY occurred_at DESC, position DESC
LIMIT %(limit)s

-- name: session_turns
-- Read the last turns of a session since it was cleared, newest first.
SELECT turn_id, role, content, occurred_at, name, agent_id, metadata, memories_shown, position
FROM turns
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s AND removed_at IS NULL
      AND position > coalesce((
          SELECT max(c.position) FROM session_clears AS c
          WHERE c.tenant_id = %(tenant_id)s AND c.user_id = %(user_id)s AND c.session_id = %(session_id)s
      ), 0)
ORDER BY position DESC
LIMIT %(limit)s

-- name: session_items
-- Read the last turns of a session since it was cleared, newest first, as what frameworks wrote: `item`, where there is
-- one, otherwise role and content, which may be in the cold archive. A limit of null reads all.
SELECT t.turn_id, i.item, t.role, CASE WHEN i.item IS NULL THEN t.content ELSE '' END AS content, t.position,
       i.item IS NULL AND t.cold_object IS NOT NULL AS is_cold
FROM turns AS t
CROSS JOIN LATERAL (
    SELECT CASE WHEN jsonb_typeof(v.value) = 'string' THEN v.value #>> '{}' END AS item
    FROM (SELECT t.metadata -> %(item_key)s AS value) AS v
) AS i
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s AND removed_at IS NULL
      AND position > coalesce((
          SELECT max(c.position) FROM session_clears AS c
          WHERE c.tenant_id = %(tenant_id)s AND c.user_id = %(user_id)s AND c.session_id = %(session_id)s
      ), 0)
ORDER BY position DESC
LIMIT %(limit)s

-- name: turns_before
-- Read the turns of a session before one of its turns, which may be removed, newest first. The first row is that turn
-- itself. Turns before the last clear of the session are left out.
SELECT t.turn_id, t.role, t.content, t.occurred_at, t.name, t.agent_id, t.metadata, t.memories_shown, t.position
FROM turns AS t
JOIN turns AS b USING (tenant_id, user_id, session_id)
WHERE t.tenant_id = %(tenant_id)s AND t.user_id = %(user_id)s AND t.session_id = %(session_id)s
      AND b.turn_id = %(before)s AND t.position <= b.position
      AND (t.removed_at IS NULL OR t.position = b.position)
      AND (t.position = b.position OR t.position > coalesce((
          SELECT max(c.position) FROM session_clears AS c
          WHERE c.tenant_id = %(tenant_id)s AND c.user_id = %(user_id)s AND c.session_id = %(session_id)s
      ), 0))
ORDER BY t.position DESC
LIMIT %(limit)s

-- name: archived_turn
-- Read one turn of a session, unless it is removed.
SELECT turn_id, role, content, occurred_at, name, agent_id, metadata, memories_shown, position
FROM turns
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s
      AND turn_id = %(turn_id)s AND removed_at IS NULL

-- name: archived_turns
-- Read which of these turns of a session are archived, removed ones included, and when Redis acknowledged each entry.
SELECT turn_id, round(extract(epoch FROM written_at) * 1000)::bigint AS written_ms
FROM turns
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s
      AND turn_id = ANY(%(turn_ids)s)

-- name: is_settled
-- Read whether all turns of a session and all edits of the user are processed; otherwise the reason, if an endpoint
-- refused one; and the reason of a dead batch: one that died after a given time (null: none counts), or one with the
-- newest turns.
SELECT now() AS asked_at, (
    SELECT b.reason FROM batches AS b JOIN sessions AS s USING (tenant_id, user_id, session_id)
    WHERE b.tenant_id = %(tenant_id)s AND b.user_id = %(user_id)s AND b.session_id IN (%(session_id)s, '~edits')
          AND b.state = 'dead' AND b.discarded_at IS NULL
          AND (b.dead_at >= %(since)s::timestamptz OR b.last_position = s.next_position - 1)
    ORDER BY b.dead_at DESC LIMIT 1
) AS dead_reason, (
    SELECT reason FROM batches
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id IN (%(session_id)s, '~edits')
          AND state IN ('pending', 'extracted') AND reason IS NOT NULL
    LIMIT 1
) AS waiting_reason, NOT EXISTS (
    SELECT FROM sessions
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id IN (%(session_id)s, '~edits')
          AND cut_through < next_position - 1
) AND NOT EXISTS (
    SELECT FROM batches
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id IN (%(session_id)s, '~edits')
          AND state IN ('pending', 'extracted')
) AS is_settled

-- name: summary
-- Read the summary of a session.
SELECT text, updated_at FROM summaries
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s
