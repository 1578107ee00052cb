-- name: texts
-- Read the texts of the user's facts, episodes and turns, by the ids that recall returned. Removed turns are left out.
SELECT fact_id::text AS memory_id, text, session_id, 0::bigint AS position, false AS is_cold FROM facts
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND fact_id = ANY(%(uuids)s::uuid[])
UNION ALL
SELECT batch_id::text, summary, session_id, 0, false FROM episodes
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = ANY(%(uuids)s::uuid[])
UNION ALL
SELECT turn_id, content, session_id, position, cold_object IS NOT NULL FROM turns
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND turn_id = ANY(%(ids)s) AND removed_at IS NULL
