-- name: serving_space
-- The space that recall reads.
SELECT space_id, provider, model, dimension, state FROM embedding_spaces WHERE state = 'serving'

-- name: lexical_turns
-- Turns that share a stem with the question, the best first.
SELECT t.session_id, t.position, ts_rank_cd(t.lexemes, q.query, 1) AS score
FROM turns AS t,
     (SELECT string_agg(quote_literal(lexeme), ' | ')::tsquery AS query
      FROM unnest(to_tsvector('english', %(query)s))) AS q
WHERE t.tenant_id = %(tenant_id)s AND t.user_id = %(user_id)s AND t.removed_at IS NULL AND t.lexemes @@ q.query
ORDER BY score DESC, t.written_at DESC, t.position DESC
LIMIT %(depth)s

-- name: lexical_facts
-- Current facts that share a stem with the question, the best first.
SELECT f.fact_id, ts_rank_cd(f.lexemes, q.query, 1) AS score
FROM facts AS f,
     (SELECT string_agg(quote_literal(lexeme), ' | ')::tsquery AS query
      FROM unnest(to_tsvector('english', %(query)s))) AS q
WHERE f.tenant_id = %(tenant_id)s AND f.user_id = %(user_id)s AND f.status = 'current' AND f.lexemes @@ q.query
ORDER BY score DESC, f.said_at DESC, f.fact_id
LIMIT %(depth)s

-- name: nearest_turns
-- Turns whose vector is nearest to the question's, exactly.
SELECT split_part(v.item, '/', -1)::bigint AS position,
       left(v.item, -1 - length(split_part(v.item, '/', -1))) AS session_id
FROM vectors AS v
WHERE v.tenant_id = %(tenant_id)s AND v.user_id = %(user_id)s AND v.space_id = %(space_id)s AND v.kind = 'turn'
ORDER BY v.embedding <=> %(vector)s::vector, v.item
LIMIT %(depth)s

-- name: nearest_facts
-- Current facts whose vector is nearest to the question's, exactly.
SELECT f.fact_id
FROM vectors AS v
JOIN facts AS f ON f.tenant_id = v.tenant_id AND f.user_id = v.user_id AND f.fact_id = v.item::uuid
WHERE v.tenant_id = %(tenant_id)s AND v.user_id = %(user_id)s AND v.space_id = %(space_id)s AND v.kind = 'fact'
      AND f.status = 'current'
ORDER BY v.embedding <=> %(vector)s::vector, v.item
LIMIT %(depth)s

-- name: facts
-- Facts with what they superseded.
SELECT f.fact_id, f.session_id, f.text, f.status, f.category, f.valid_from, f.valid_to, f.said_at,
       ARRAY(
           SELECT o.text FROM facts AS o
           WHERE o.tenant_id = f.tenant_id AND o.user_id = f.user_id AND o.superseded_by = f.fact_id
                 AND o.status = 'superseded'
           ORDER BY o.said_at DESC
       ) AS superseded_texts
FROM facts AS f
WHERE f.tenant_id = %(tenant_id)s AND f.user_id = %(user_id)s AND f.fact_id = ANY(%(fact_ids)s)

-- name: evidence
-- The evidence of facts, in the order in which it was said.
SELECT e.fact_id, e.session_id, t.turn_id, e.position, coalesce(t.name, t.role) AS speaker,
       t.occurred_at AS said_at, e.quote
FROM evidence AS e
JOIN turns AS t USING (tenant_id, user_id, session_id, position)
WHERE t.removed_at IS NULL AND e.tenant_id = %(tenant_id)s AND e.user_id = %(user_id)s AND e.fact_id = ANY(%(fact_ids)s)
ORDER BY t.occurred_at, e.session_id, e.position

-- name: turns
-- Turns by session and position.
SELECT t.session_id, t.position, t.turn_id, t.role, t.name, t.content, t.occurred_at
FROM turns AS t
WHERE t.tenant_id = %(tenant_id)s AND t.user_id = %(user_id)s
      AND t.removed_at IS NULL AND (t.session_id, t.position) IN (SELECT * FROM unnest(%(sessions)s::text[], %(positions)s::bigint[]))

-- name: newest_turns
-- The user's newest turns, whatever the session, newest first.
SELECT session_id, position, turn_id, role, name, content, occurred_at
FROM turns
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND removed_at IS NULL
ORDER BY written_at DESC, position DESC
LIMIT %(limit)s

-- name: session_turns
-- A session's last turns, newest first.
SELECT turn_id, role, content, occurred_at, name, agent_id, metadata, memories_shown, position
FROM turns
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s AND removed_at IS NULL
ORDER BY position DESC
LIMIT %(limit)s

-- name: is_settled
-- Whether nothing of a session waits to become facts.
SELECT NOT EXISTS (
    SELECT FROM sessions
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s
          AND cut_through < next_position - 1
) AND NOT EXISTS (
    SELECT FROM batches
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s
          AND state IN ('pending', 'extracted')
) AS is_settled

-- name: summary
-- A session's summary.
SELECT text, updated_at FROM summaries
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s
