-- name: pinned
-- Read the user's pinned facts, oldest first, so that a new one does not change the order of the others. A fact whose
-- evidence is all in hidden turns (removed, but not yet in Postgres) is left out.
SELECT f.fact_id, f.text, f.said_at, f.life, f.valid_from, f.valid_to, f.first_said_at,
       (SELECT newest_said_at(%(tenant_id)s, %(user_id)s, %(pending_said_at)s::timestamptz, NULL)) AS clock,
       CASE WHEN cardinality(%(hidden_turns)s::text[]) = 0
            THEN contradicting_texts(f.tenant_id, f.user_id, f.fact_id) ELSE '{}' END AS contradicting_texts
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
LIMIT %(facts_limit)s

-- name: profile
-- Read the facts of the user's profile that are still current and have not faded, in the order of its lines. A fact whose
-- evidence is all in hidden turns is left out.
WITH clock AS MATERIALIZED (
    SELECT newest_said_at(%(tenant_id)s, %(user_id)s, %(pending_said_at)s::timestamptz, NULL) AS now
)
SELECT f.fact_id, f.text, f.said_at, f.life, f.valid_from, f.valid_to, f.first_said_at, clock.now AS clock,
       CASE WHEN cardinality(%(hidden_turns)s::text[]) = 0
            THEN contradicting_texts(f.tenant_id, f.user_id, f.fact_id) ELSE '{}' END AS contradicting_texts
FROM profiles AS p
CROSS JOIN LATERAL unnest(p.fact_ids) WITH ORDINALITY AS line (fact_id, number)
JOIN facts AS f ON f.tenant_id = p.tenant_id AND f.user_id = p.user_id AND f.fact_id = line.fact_id
CROSS JOIN clock
WHERE p.tenant_id = %(tenant_id)s AND p.user_id = %(user_id)s AND f.status = 'current'
      AND (f.fades_at IS NULL OR f.is_pinned OR f.fades_at > clock.now)
      AND (cardinality(%(hidden_turns)s::text[]) = 0 OR EXISTS (
          SELECT FROM evidence AS e
          JOIN turns AS t USING (tenant_id, user_id, session_id, position)
          WHERE e.tenant_id = f.tenant_id AND e.user_id = f.user_id AND e.fact_id = f.fact_id
                AND t.removed_at IS NULL AND (t.session_id, t.turn_id) NOT IN (
                    SELECT * FROM unnest(%(hidden_sessions)s::text[], %(hidden_turns)s::text[])
                )
      ))
ORDER BY line.number
LIMIT %(facts_limit)s

-- name: summary
-- Read the statements of a session's summary, in order, each with its episodes and the end of the last of these. No rows
-- while a turn of the session is hidden: the summary may contain what that turn says.
SELECT line.statement ->> 'text' AS text, source.episode_ids, source.ended_at
FROM summaries AS s
CROSS JOIN LATERAL jsonb_array_elements(s.statements) WITH ORDINALITY AS line (statement, number)
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(e.batch_id::text ORDER BY e.user_seq DESC), '{}') AS episode_ids,
           max(e.ended_at) AS ended_at
    FROM episodes AS e
    WHERE e.tenant_id = s.tenant_id AND e.user_id = s.user_id AND e.session_id = s.session_id
          AND line.statement -> 'episode_ids' ? e.batch_id::text
) AS source
WHERE s.tenant_id = %(tenant_id)s AND s.user_id = %(user_id)s AND s.session_id = %(session_id)s
      AND %(session_id)s::text <> ALL(%(hidden_sessions)s::text[])
ORDER BY line.number

-- name: timezone
-- Read the user's timezone, for the dates in the lines.
SELECT timezone FROM users WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s
