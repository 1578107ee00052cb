-- name: sessions
-- Read a user's sessions, the last active first, after a place in this order.
SELECT s.session_id, s.created_at, s.last_archived_at AS last_active_at, t.turns, t.last_said_at
FROM (
    SELECT session_id, created_at, coalesce(last_archived_at, created_at) AS last_archived_at
    FROM sessions
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id NOT LIKE '~%%'
          AND (
              %(after_time)s::timestamptz IS NULL
              OR coalesce(last_archived_at, created_at) < %(after_time)s
              OR (coalesce(last_archived_at, created_at) = %(after_time)s AND session_id > %(after_id)s)
          )
    ORDER BY coalesce(last_archived_at, created_at) DESC, session_id
    LIMIT %(limit)s
) AS s
CROSS JOIN LATERAL (
    SELECT count(*) AS turns, max(occurred_at) AS last_said_at
    FROM turns
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = s.session_id AND removed_at IS NULL
) AS t
ORDER BY s.last_archived_at DESC, s.session_id

-- name: known_sessions
-- Read which of these sessions of a user are in the table.
SELECT session_id FROM sessions
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = ANY(%(session_ids)s)

-- name: session_turn_ids
-- Read the ids of a session's turns that are not removed, after a position.
SELECT turn_id, position FROM turns
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s AND removed_at IS NULL
      AND position > %(after)s
ORDER BY position
LIMIT %(limit)s

-- name: episodes
-- Read a user's episodes, the latest first, after a place in this order; or those with these ids. `turn_ids` are the turns
-- that an episode summarizes, without removed ones.
SELECT e.batch_id AS episode_id, e.session_id, e.title, e.summary, e.outcome, e.participants, e.started_at, e.ended_at,
       e.recorded_at,
       ARRAY(
           SELECT t.turn_id
           FROM batches AS b
           JOIN turns AS t ON t.tenant_id = b.tenant_id AND t.user_id = b.user_id AND t.session_id = b.session_id
                              AND t.position BETWEEN b.first_position AND b.last_position
           WHERE b.tenant_id = %(tenant_id)s AND b.user_id = %(user_id)s AND b.batch_id = e.batch_id
                 AND t.removed_at IS NULL
           ORDER BY t.position
       ) AS turn_ids
FROM episodes AS e
WHERE e.tenant_id = %(tenant_id)s AND e.user_id = %(user_id)s
      AND (%(episode_ids)s::uuid[] IS NULL OR e.batch_id = ANY(%(episode_ids)s))
      AND (%(in_session)s::text IS NULL OR e.session_id = %(in_session)s)
      AND (%(since)s::timestamptz IS NULL OR e.ended_at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR e.started_at < %(until)s)
      AND (
          %(after_time)s::timestamptz IS NULL OR e.ended_at < %(after_time)s
          OR (e.ended_at = %(after_time)s AND e.batch_id > %(after_id)s::uuid)
      )
ORDER BY e.ended_at DESC, e.batch_id
LIMIT %(limit)s

-- name: users
-- Read a tenant's users in the order of their ids, after one of them, without those who are being forgotten.
SELECT u.user_id, u.created_at,
       (
           SELECT max(s.last_archived_at) FROM sessions AS s
           WHERE s.tenant_id = u.tenant_id AND s.user_id = u.user_id
       ) AS last_active_at,
       (
           SELECT count(*) FROM sessions AS s
           WHERE s.tenant_id = u.tenant_id AND s.user_id = u.user_id AND s.session_id NOT LIKE '~%%'
       ) AS sessions,
       (
           SELECT count(*) FROM facts AS f
           WHERE f.tenant_id = u.tenant_id AND f.user_id = u.user_id AND f.status = 'current'
       ) AS current_facts
FROM users AS u
WHERE u.tenant_id = %(tenant_id)s
      AND (%(prefix)s::text IS NULL OR starts_with(u.user_id, %(prefix)s))
      AND (%(after)s::text IS NULL OR u.user_id > %(after)s)
      AND NOT EXISTS (
          SELECT FROM erasures AS e
          WHERE e.completed_at IS NULL AND e.tenant_id = u.tenant_id AND e.user_id = u.user_id
      )
ORDER BY u.user_id
LIMIT %(limit)s
