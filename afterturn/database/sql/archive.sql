-- name: add_users
-- Insert the users that do not exist. They are sorted, so that two archive transactions cannot deadlock.
INSERT INTO users (tenant_id, user_id)
SELECT DISTINCT tenant_id, user_id FROM unnest(%(tenants)s::text[], %(users)s::text[]) AS o (tenant_id, user_id)
ORDER BY tenant_id, user_id
ON CONFLICT DO NOTHING

-- name: lock_users
-- Lock the user rows (user before session before batch) and read the number of each one's next batch.
SELECT u.tenant_id, u.user_id, u.next_user_seq
FROM users AS u
WHERE (u.tenant_id, u.user_id) IN (SELECT * FROM unnest(%(tenants)s::text[], %(users)s::text[]))
ORDER BY u.tenant_id, u.user_id
FOR NO KEY UPDATE

-- name: first_open_batches
-- Read the number of the first open batch of each of these users who has one.
SELECT u.tenant_id, u.user_id, first.user_seq
FROM unnest(%(tenants)s::text[], %(users)s::text[]) AS u (tenant_id, user_id)
CROSS JOIN LATERAL (
    SELECT b.user_seq FROM batches AS b
    WHERE b.tenant_id = u.tenant_id AND b.user_id = u.user_id AND b.state IN ('pending', 'extracted')
    ORDER BY b.user_seq LIMIT 1
) AS first

-- name: first_batches_of_tenants
-- Count the first batches of users that wait to be extracted, of each of these tenants, up to a number.
SELECT t.tenant_id, counted.waiting
FROM (SELECT DISTINCT unnest(%(tenants)s::text[])) AS t (tenant_id)
CROSS JOIN LATERAL (
    SELECT count(*) AS waiting FROM (
        SELECT FROM batches AS b
        WHERE b.tenant_id = t.tenant_id AND b.state = 'pending' AND b.place < 2
        LIMIT %(crowd)s
    ) AS first
) AS counted

-- name: add_sessions
-- Insert the sessions that do not exist.
INSERT INTO sessions (tenant_id, user_id, session_id)
SELECT * FROM unnest(%(tenants)s::text[], %(users)s::text[], %(sessions)s::text[]) AS o (tenant_id, user_id, session_id)
ORDER BY tenant_id, user_id, session_id
ON CONFLICT DO NOTHING

-- name: lock_sessions
-- Lock the session rows: under this lock positions are given and batches are cut.
SELECT tenant_id, user_id, session_id, next_position, cut_through, uncut_tokens, uncut_since,
       cut_due_at <= now() AS is_cut_due, now() AS now,
       coalesce(extract(epoch FROM now() - last_archived_at), 0)::float8 AS silent_seconds
FROM sessions
WHERE (tenant_id, user_id, session_id)
      IN (SELECT * FROM unnest(%(tenants)s::text[], %(users)s::text[], %(sessions)s::text[]))
ORDER BY tenant_id, user_id, session_id
FOR NO KEY UPDATE

-- name: known_turns
-- Read which of these turns are archived already.
SELECT t.tenant_id, t.user_id, t.session_id, t.turn_id
FROM turns AS t
JOIN unnest(%(tenants)s::text[], %(users)s::text[], %(sessions)s::text[], %(turns)s::text[])
     AS o (tenant_id, user_id, session_id, turn_id)
USING (tenant_id, user_id, session_id, turn_id)

-- name: archived_contents
-- Read the archived contents of these turns.
SELECT t.tenant_id, t.user_id, t.session_id, t.turn_id, t.role, t.name, t.content, t.metadata, t.cold_digest
FROM turns AS t
JOIN unnest(%(tenants)s::text[], %(users)s::text[], %(sessions)s::text[], %(turns)s::text[])
     AS o (tenant_id, user_id, session_id, turn_id)
USING (tenant_id, user_id, session_id, turn_id)

-- name: repeated_turns
-- Read the entries whose turn was archived from another entry, with the archived contents. The time at which Redis
-- acknowledged an entry identifies it.
SELECT t.tenant_id, t.user_id, t.session_id, t.turn_id, t.role, t.name, t.content, t.metadata, t.cold_digest
FROM turns AS t
JOIN unnest(
    %(tenants)s::text[], %(users)s::text[], %(sessions)s::text[], %(turns)s::text[], %(written_at)s::float8[]
) AS o (tenant_id, user_id, session_id, turn_id, written_at)
USING (tenant_id, user_id, session_id, turn_id)
WHERE t.written_at <> to_timestamp(o.written_at)

-- name: add_turn
-- Archive one turn at its position.
INSERT INTO turns (
    tenant_id, user_id, session_id, position, turn_id, role, name, agent_id, content, metadata, memories_shown, tokens,
    occurred_at, written_at, stems
) VALUES (
    %(tenant_id)s, %(user_id)s, %(session_id)s, %(position)s, %(turn_id)s, %(role)s, %(name)s, %(agent_id)s,
    %(content)s, %(metadata)s, %(memories_shown)s, %(tokens)s, %(occurred_at)s, to_timestamp(%(written_at)s),
    stem_codes(%(words)s, %(configuration)s::text::regconfig) || %(pieces)s::bytea
)

-- name: add_clear
-- Store that a session was cleared: its history begins after a position.
INSERT INTO session_clears (tenant_id, user_id, session_id, mark_id, position)
VALUES (%(tenant_id)s, %(user_id)s, %(session_id)s, %(mark_id)s, %(position)s)
ON CONFLICT DO NOTHING

-- name: uncut_turns
-- Read the turns of a session that were archived before and belong to no batch, and some turns before them, in order.
SELECT position, role, tokens, extract(epoch FROM written_at)::float8 AS written_at,
       CASE WHEN position > %(cut_through)s THEN coalesce(right(content, %(characters)s), '') ELSE '' END AS ending
FROM turns
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s
      AND position > %(cut_through)s - %(earlier)s AND position < %(first_added)s
ORDER BY position

-- name: add_batch
-- Insert a batch. If it is handed on, its message is sent after the commit.
INSERT INTO batches (
    tenant_id, user_id, batch_id, session_id, user_seq, first_position, last_position, tokens, cut_by, place, hinted_at
) VALUES (
    %(tenant_id)s, %(user_id)s, %(batch_id)s, %(session_id)s, %(user_seq)s, %(first_position)s, %(last_position)s,
    %(tokens)s, %(cut_by)s, %(place)s, CASE WHEN %(is_handed_on)s THEN now() END
)

-- name: add_manual_batch
-- Insert the batch of a person's edit, with the answer that came with its turn. It needs no extraction.
WITH batch AS (
    INSERT INTO batches (
        tenant_id, user_id, batch_id, session_id, user_seq, first_position, last_position, tokens, cut_by, kind, state,
        prompt_version, model, extracted_at, place, hinted_at
    ) VALUES (
        %(tenant_id)s, %(user_id)s, %(batch_id)s, %(session_id)s, %(user_seq)s, %(first_position)s, %(last_position)s,
        %(tokens)s, %(cut_by)s, 'manual', 'extracted', %(prompt_version)s, %(model)s, now(), %(place)s,
        CASE WHEN %(is_handed_on)s THEN now() END
    )
)
INSERT INTO answers (
    tenant_id, user_id, batch_id, prompt_version, model, first_position, last_position, attempt, answer
) VALUES (
    %(tenant_id)s, %(user_id)s, %(batch_id)s, %(prompt_version)s, %(model)s, %(first_position)s, %(last_position)s,
    1, %(answer)s
)

-- name: update_session
-- Update the session after turns were archived and batches were cut. The wait for the end of the thought counts from the
-- last archived turn, age from the oldest turn that belongs to no batch.
UPDATE sessions SET
    next_position = %(next_position)s,
    cut_through = %(cut_through)s,
    uncut_tokens = %(uncut_tokens)s,
    last_archived_at = CASE WHEN %(has_new)s THEN now() ELSE last_archived_at END,
    uncut_since = %(uncut_since)s::timestamptz,
    cut_due_at = LEAST(
        %(uncut_since)s::timestamptz + make_interval(secs => %(max_age_seconds)s),
        CASE WHEN %(uncut_since)s::timestamptz IS NULL THEN NULL
             WHEN %(waits_anew)s THEN now() + make_interval(secs => %(wait_seconds)s)
             ELSE cut_due_at END
    )
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s

-- name: update_user
-- Update the number of the user's next batch.
UPDATE users SET next_user_seq = %(next_user_seq)s WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s
