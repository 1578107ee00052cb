-- Merging users: one becomes part of another (docs/explanation/decisions/048).

-- name: read
-- Read the merge of a user into another one; no row if there is none.
SELECT merge_id, source_user, target_user, current_target, sessions, requested_at, moved_at, completed_at, moved
FROM user_merges WHERE tenant_id = %(tenant_id)s AND source_user = %(source)s

-- name: source_of
-- Read who was merged into a user by a merge.
SELECT source_user FROM user_merges
WHERE tenant_id = %(tenant_id)s AND target_user = %(target)s AND merge_id = %(merge_id)s

-- name: refusal
-- Read what forbids a merge: the target is itself part of another user, or one of the two is being forgotten.
SELECT EXISTS (
    SELECT FROM user_merges WHERE tenant_id = %(tenant_id)s AND source_user = %(target)s
) AS is_target_merged, EXISTS (
    SELECT FROM erasures
    WHERE completed_at IS NULL AND tenant_id = %(tenant_id)s AND user_id IN (%(source)s, %(target)s)
) AS is_being_forgotten

-- name: lock_requests
-- Requests of one tenant are decided one after another: two users merged into each other at once would both vanish.
SELECT pg_advisory_xact_lock(hashtextextended('afterturn.user_merges ' || %(tenant_id)s, 0))

-- name: request
-- Store a request.
INSERT INTO user_merges (tenant_id, source_user, target_user, current_target)
VALUES (%(tenant_id)s, %(source)s, %(target)s, %(target)s)

-- name: allow_time
-- Raise the timeout of statements, because moving a large memory takes long.
SELECT set_config('statement_timeout', '600000', true)

-- name: add_users
-- Insert the rows of both users where they are missing, in the order in which they are locked.
INSERT INTO users (tenant_id, user_id)
SELECT %(tenant_id)s, user_id FROM unnest(ARRAY[%(source)s, %(target)s]) AS u (user_id) ORDER BY user_id
ON CONFLICT DO NOTHING

-- name: lock_users
-- Lock both users: archives and claims wait.
SELECT user_id, next_user_seq FROM users
WHERE tenant_id = %(tenant_id)s AND user_id IN (%(source)s, %(target)s)
ORDER BY user_id
FOR UPDATE

-- name: lock_merge
-- Lock the merge, if its rows are not moved yet.
SELECT target_user FROM user_merges
WHERE tenant_id = %(tenant_id)s AND source_user = %(source)s AND current_target = %(target)s AND moved_at IS NULL
FOR UPDATE

-- name: delete_leases
-- No process that works for the source can write any more.
DELETE FROM leases WHERE tenant_id = %(tenant_id)s AND user_id = %(source)s

-- name: live_leases
-- Count the work that is in progress for a user.
SELECT count(*) AS leases FROM leases WHERE tenant_id = %(tenant_id)s AND user_id = %(source)s AND until > now()

-- name: session_ids
-- Read the sessions of both users.
SELECT user_id, session_id FROM sessions
WHERE tenant_id = %(tenant_id)s AND user_id IN (%(source)s, %(target)s)

-- name: reset_batches
-- Open batches of the source are handed out at once. A question to the judge is asked again, about the whole memory.
UPDATE batches SET hinted_at = NULL, owes_judgement = false
WHERE tenant_id = %(tenant_id)s AND user_id = %(source)s AND state IN ('pending', 'extracted')

-- name: columns
-- Read the columns of a table that are written, in order.
SELECT column_name AS name FROM information_schema.columns
WHERE table_schema = current_schema() AND table_name = %(table)s AND is_generated = 'NEVER'

-- name: rename_cold_sessions
-- The files name sessions as they were; the row of an object says what they are now.
UPDATE cold_objects AS c
SET renamed_sessions = %(sessions)s::jsonb || (
    SELECT coalesce(jsonb_object_agg(r.key, coalesce(%(sessions)s::jsonb ->> r.value, r.value)), '{}')
    FROM jsonb_each_text(c.renamed_sessions) AS r
)
WHERE c.tenant_id = %(tenant_id)s AND c.user_id = %(source)s

-- name: join_users
-- The target's row gets what the source's row has. All of the memory is to be consolidated at once, each fact compared.
UPDATE users AS t SET
    version = t.version + 1,
    next_user_seq = t.next_user_seq + s.next_user_seq - 1,
    display_name = coalesce(t.display_name, s.display_name),
    timezone = CASE WHEN t.timezone = 'UTC' THEN s.timezone ELSE t.timezone END,
    created_at = least(t.created_at, s.created_at),
    slept_at = to_timestamp(0), slept_through = NULL, sleep_hinted_at = NULL,
    indexed_user_seq = least(0, t.next_user_seq + s.next_user_seq - 102),
    owes_stems = t.owes_stems OR s.owes_stems,
    vectors_generation = least(t.vectors_generation, s.vectors_generation), vectors_hinted_at = NULL,
    cold_due_at = now()
FROM users AS s
WHERE t.tenant_id = %(tenant_id)s AND t.user_id = %(target)s AND s.tenant_id = %(tenant_id)s AND s.user_id = %(source)s

-- name: delete_source
-- The source is no user any more.
DELETE FROM users WHERE tenant_id = %(tenant_id)s AND user_id = %(source)s

-- name: mark_moved
-- The rows are moved.
UPDATE user_merges SET moved_at = clock_timestamp(), moved = %(moved)s, sessions = %(sessions)s
WHERE tenant_id = %(tenant_id)s AND source_user = %(source)s

-- name: follow
-- What was part of the source is part of the target now, and its sessions have the ids that the source's have.
UPDATE user_merges AS m SET current_target = %(target)s, sessions = %(sessions)s::jsonb || (
    SELECT coalesce(jsonb_object_agg(r.key, coalesce(%(sessions)s::jsonb ->> r.value, r.value)), '{}')
    FROM jsonb_each_text(m.sessions) AS r
)
WHERE m.tenant_id = %(tenant_id)s AND m.current_target = %(source)s

-- name: audit
-- Note who became part of whom. No content.
INSERT INTO audit_log (tenant_id, user_id, action, details, actor)
VALUES (%(tenant_id)s, %(target)s, 'users.merge', %(details)s, 'merge')

-- name: complete
-- Nothing of the source is left but the alias.
UPDATE user_merges SET completed_at = clock_timestamp()
WHERE tenant_id = %(tenant_id)s AND source_user = %(source)s AND moved_at IS NOT NULL AND completed_at IS NULL

-- name: owed
-- Read merges that are not completed, and mark them as handed out. In the first second its caller usually completes it.
WITH owed AS (
    SELECT m.tenant_id, m.source_user FROM user_merges AS m
    WHERE m.completed_at IS NULL AND m.requested_at < now() - interval '1 second'
          AND (m.hinted_at IS NULL OR m.hinted_at < now() - make_interval(secs => %(hint_seconds)s))
    ORDER BY m.hinted_at NULLS FIRST
    LIMIT %(limit)s
    FOR NO KEY UPDATE OF m SKIP LOCKED
)
UPDATE user_merges AS m SET hinted_at = now()
FROM owed
WHERE m.tenant_id = owed.tenant_id AND m.source_user = owed.source_user
RETURNING m.tenant_id, m.source_user AS user_id

-- name: aliases
-- Read which of these users are part of others, and what their sessions are called there.
SELECT m.tenant_id, m.source_user, m.current_target, m.sessions
FROM user_merges AS m
WHERE (m.tenant_id, m.source_user) IN (SELECT * FROM unnest(%(tenants)s::text[], %(users)s::text[]))
      AND m.moved_at IS NOT NULL

-- name: sources
-- Read who became part of a user, also if the merge is not done yet.
SELECT source_user FROM user_merges WHERE tenant_id = %(tenant_id)s AND current_target = %(user_id)s ORDER BY source_user

-- name: rows_naming
-- Read the merges that name a user.
SELECT to_jsonb(m) - 'hinted_at' AS row FROM user_merges AS m
WHERE tenant_id = %(tenant_id)s AND %(user_id)s IN (source_user, target_user, current_target)
ORDER BY requested_at, source_user

-- name: forget_alias
-- A user who is forgotten is part of nobody any more: a later turn with this id begins anew.
DELETE FROM user_merges WHERE tenant_id = %(tenant_id)s AND source_user = %(user_id)s

-- name: forget_names
-- Remove the merges that name a user who is forgotten.
DELETE FROM user_merges WHERE tenant_id = %(tenant_id)s AND %(user_id)s IN (source_user, target_user, current_target)
