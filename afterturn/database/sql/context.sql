-- name: pinned
-- What is to be kept in mind: the user's pinned facts, in an order that a new one does not change. While turns are hidden
-- that are not taken back yet, only facts that other turns say as well.
SELECT f.fact_id, f.text, f.said_at
FROM facts AS f
WHERE f.tenant_id = %(tenant_id)s AND f.user_id = %(user_id)s AND f.status = 'current' AND f.is_pinned
      AND (cardinality(%(hidden_turns)s::text[]) = 0 OR EXISTS (
          SELECT FROM evidence AS e
          JOIN turns AS t USING (tenant_id, user_id, session_id, position)
          WHERE e.tenant_id = f.tenant_id AND e.user_id = f.user_id AND e.fact_id = f.fact_id
                AND t.removed_at IS NULL AND (t.session_id, t.turn_id) NOT IN (
                    SELECT * FROM unnest(%(hidden_sessions)s::text[], %(hidden_turns)s::text[])
                )
      ))
ORDER BY f.recorded_at, f.fact_id
LIMIT %(facts)s

-- name: profile
-- The user's profile: the facts behind its lines, in its order, that are still current. While turns are hidden that are
-- not taken back yet, only facts that other turns say as well.
SELECT f.fact_id, f.text, f.said_at
FROM profiles AS p
CROSS JOIN LATERAL unnest(p.fact_ids) WITH ORDINALITY AS line (fact_id, number)
JOIN facts AS f ON f.tenant_id = p.tenant_id AND f.user_id = p.user_id AND f.fact_id = line.fact_id
WHERE p.tenant_id = %(tenant_id)s AND p.user_id = %(user_id)s AND f.status = 'current'
      AND (cardinality(%(hidden_turns)s::text[]) = 0 OR EXISTS (
          SELECT FROM evidence AS e
          JOIN turns AS t USING (tenant_id, user_id, session_id, position)
          WHERE e.tenant_id = f.tenant_id AND e.user_id = f.user_id AND e.fact_id = f.fact_id
                AND t.removed_at IS NULL AND (t.session_id, t.turn_id) NOT IN (
                    SELECT * FROM unnest(%(hidden_sessions)s::text[], %(hidden_turns)s::text[])
                )
      ))
ORDER BY line.number
LIMIT %(facts)s

-- name: summary
-- The statements of a session's summary, in order, each with its episodes and when the last of these ended. None while a
-- turn of the session is hidden that is not taken back yet: they may tell of it.
SELECT said.statement ->> 'text' AS text, rests.episode_ids, rests.ended_at
FROM summaries AS s
CROSS JOIN LATERAL jsonb_array_elements(s.statements) WITH ORDINALITY AS said (statement, number)
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(e.batch_id::text ORDER BY e.user_seq DESC), '{}') AS episode_ids,
           max(e.ended_at) AS ended_at
    FROM episodes AS e
    WHERE e.tenant_id = s.tenant_id AND e.user_id = s.user_id AND e.session_id = s.session_id
          AND said.statement -> 'episode_ids' ? e.batch_id::text
) AS rests
WHERE s.tenant_id = %(tenant_id)s AND s.user_id = %(user_id)s AND s.session_id = %(session_id)s
      AND %(session_id)s::text <> ALL(%(hidden_sessions)s::text[])
ORDER BY said.number

-- name: timezone
-- Where the user is, for the days in the lines.
SELECT timezone FROM users WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s
