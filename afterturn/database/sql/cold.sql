-- The cold archive: texts of old turns in an object store (docs/explanation/decisions/047).

-- name: places
-- Read those of these turns whose content is in the archive, with their objects. A turn that was restored since has its
-- content, and no object.
SELECT t.session_id, t.position, t.content, t.cold_object AS object_id, o.key, o.digest,
       o.renamed_sessions
FROM turns AS t
LEFT JOIN cold_objects AS o
     ON o.tenant_id = t.tenant_id AND o.user_id = t.user_id AND o.object_id = t.cold_object
WHERE t.tenant_id = %(tenant_id)s AND t.user_id = %(user_id)s AND t.removed_at IS NULL
      AND (t.session_id, t.position) IN (SELECT * FROM unnest(%(sessions)s::text[], %(positions)s::bigint[]))

-- name: all_places
-- The same for removed turns too.
SELECT t.session_id, t.position, t.content, t.cold_object AS object_id, o.key, o.digest,
       o.renamed_sessions
FROM turns AS t
LEFT JOIN cold_objects AS o
     ON o.tenant_id = t.tenant_id AND o.user_id = t.user_id AND o.object_id = t.cold_object
WHERE t.tenant_id = %(tenant_id)s AND t.user_id = %(user_id)s
      AND (t.session_id, t.position) IN (SELECT * FROM unnest(%(sessions)s::text[], %(positions)s::bigint[]))

-- name: movable
-- Read a user's oldest turns that may move: said before a time, and all that is made of them is made. A turn whose batch
-- is open or dead stays, and one that the embedder refused.
SELECT t.session_id, t.position, t.turn_id, t.role, t.name, t.agent_id, t.content, t.metadata, t.occurred_at,
       octet_length(t.content) AS content_bytes
FROM turns AS t
JOIN sessions AS s USING (tenant_id, user_id, session_id)
JOIN users AS u USING (tenant_id, user_id)
WHERE t.tenant_id = %(tenant_id)s AND t.user_id = %(user_id)s AND t.cold_object IS NULL
      AND t.occurred_at < now() - make_interval(secs => %(age_seconds)s)
      AND t.content <> '' AND t.role <> 'edit' AND t.position <= s.cut_through AND NOT u.owes_stems
      AND NOT EXISTS (
          SELECT FROM batches AS b
          WHERE b.tenant_id = t.tenant_id AND b.user_id = t.user_id AND b.session_id = t.session_id
                AND t.position BETWEEN b.first_position AND b.last_position AND b.state <> 'applied'
      )
      AND NOT EXISTS (
          SELECT FROM imported_runs AS r
          WHERE r.tenant_id = t.tenant_id AND r.user_id = t.user_id AND r.session_id = t.session_id
                AND t.position BETWEEN r.first_position AND r.last_position
      )
      AND NOT EXISTS (
          SELECT FROM missing_vectors AS m
          WHERE m.tenant_id = t.tenant_id AND m.user_id = t.user_id AND m.kind = 'turn' AND m.session_id = t.session_id
      )
ORDER BY t.occurred_at, t.session_id, t.position
LIMIT %(limit)s

-- name: lock_user
-- It comes before the lease in the order of locks. Returns no row if the user is gone.
SELECT user_id FROM users WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s FOR NO KEY UPDATE

-- name: has_stored
-- Whether anything was stored in the archive yet.
SELECT EXISTS (SELECT FROM cold_objects WHERE state = 'stored') AS has_stored

-- name: note_object
-- Note an object before it is written.
INSERT INTO cold_objects (tenant_id, user_id, object_id, key, turns, content_bytes, file_bytes, digest)
VALUES (
    %(tenant_id)s, %(user_id)s, %(object_id)s, %(key)s, %(turns)s, %(content_bytes)s, %(file_bytes)s, %(digest)s
)

-- name: empty_turns
-- Remove the contents of turns that an object has.
UPDATE turns SET content = '', cold_object = %(object_id)s,
    cold_digest = encode(sha256(convert_to(content, 'UTF8')), 'hex')
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND cold_object IS NULL
      AND (session_id, position) IN (SELECT * FROM unnest(%(sessions)s::text[], %(positions)s::bigint[]))

-- name: mark_stored
-- The contents are in the object alone.
UPDATE cold_objects SET state = 'stored'
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND object_id = %(object_id)s AND state = 'writing'

-- name: give_up
-- Delete the rows of objects that a process began to write and left.
DELETE FROM cold_objects
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND state = 'writing'
RETURNING key

-- name: postpone
-- Look at the user again after this time.
UPDATE users SET cold_due_at = now() + make_interval(secs => %(seconds)s)
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s

-- name: stored_objects
-- Read a user's objects, the oldest first.
SELECT object_id, key, turns, digest, renamed_sessions FROM cold_objects
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND state = 'stored'
ORDER BY created_at, object_id

-- name: refill_turns
-- Write contents back.
UPDATE turns AS t SET content = given.content, cold_object = NULL, cold_digest = NULL
FROM unnest(%(sessions)s::text[], %(positions)s::bigint[], %(contents)s::text[]) AS given (session_id, position, content)
WHERE t.tenant_id = %(tenant_id)s AND t.user_id = %(user_id)s AND t.cold_object = %(object_id)s
      AND t.session_id = given.session_id AND t.position = given.position

-- name: is_needed
-- Whether a turn still has its content in an object.
SELECT EXISTS (
    SELECT FROM turns
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND cold_object = %(object_id)s
) AS is_needed

-- name: delete_object
-- Delete the row of an object whose contents are back.
DELETE FROM cold_objects
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND object_id = %(object_id)s
RETURNING key

-- name: order_deletions
-- Order that objects be deleted.
INSERT INTO cold_deletions (key, keep_until)
SELECT key, now() + make_interval(secs => %(keep_seconds)s) FROM unnest(%(keys)s::text[]) AS k (key)
ON CONFLICT (key) DO UPDATE
SET due_at = now(), keep_until = greatest(cold_deletions.keep_until, EXCLUDED.keep_until)

-- name: order_deletions_of_user
-- Order that the objects of a user be deleted again later: a process may be writing one.
INSERT INTO cold_deletions (key, keep_until)
SELECT key, now() + interval '1 day' FROM cold_objects
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND state = 'writing'
UNION
SELECT key, now() + interval '1 day' FROM cold_deletions WHERE starts_with(key, %(prefix)s)
ON CONFLICT (key) DO UPDATE SET due_at = now(), keep_until = EXCLUDED.keep_until

-- name: due_deletions
-- Read objects that are to be deleted now.
SELECT key FROM cold_deletions WHERE due_at <= now() OR %(is_forced)s ORDER BY due_at LIMIT %(limit)s

-- name: deleted
-- An object was deleted. It is deleted again while a process may still write it.
WITH kept AS (
    UPDATE cold_deletions SET due_at = now() + interval '15 minutes' WHERE key = %(key)s AND keep_until > now()
)
DELETE FROM cold_deletions WHERE key = %(key)s AND keep_until <= now()

-- name: has_objects
-- Whether a user has objects, or objects that are to be deleted.
SELECT EXISTS (SELECT FROM cold_objects WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s)
       OR EXISTS (SELECT FROM cold_deletions WHERE starts_with(key, %(prefix)s)) AS has_objects

-- name: keys_of_user
-- Read the objects of a user. Those of users who were merged into this one have other names.
SELECT key FROM cold_objects WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s

-- name: keys_of_others
-- Read which of these objects belong to other users: to one into whom this one was merged.
SELECT key FROM cold_objects
WHERE key = ANY(%(keys)s) AND (tenant_id, user_id) <> (%(tenant_id)s, %(user_id)s)

-- name: is_being_erased
-- Whether an erasure of this user is open.
SELECT epoch FROM erasures WHERE owner_hash = %(owner_hash)s AND completed_at IS NULL

-- name: named_keys
-- Read which of these objects have a row.
SELECT key FROM cold_objects WHERE key = ANY(%(keys)s)

-- name: owed
-- Read users who are due, and mark them: those with old turns for a while, all others until the next look.
WITH checked AS (
    SELECT u.tenant_id, u.user_id FROM users AS u
    WHERE u.cold_due_at <= now()
    ORDER BY u.cold_due_at
    LIMIT %(limit)s
    FOR NO KEY UPDATE OF u SKIP LOCKED
), looked AS (
    SELECT c.tenant_id, c.user_id, EXISTS (
        SELECT FROM turns AS t
        WHERE t.tenant_id = c.tenant_id AND t.user_id = c.user_id AND t.cold_object IS NULL AND t.content <> ''
              AND t.role <> 'edit' AND t.occurred_at < now() - make_interval(secs => %(age_seconds)s)
    ) AS is_owed
    FROM checked AS c
), marked AS (
    UPDATE users AS u SET cold_due_at = now() + CASE
        WHEN l.is_owed THEN make_interval(secs => %(hint_seconds)s) ELSE make_interval(secs => %(look_seconds)s) END
    FROM looked AS l
    WHERE u.tenant_id = l.tenant_id AND u.user_id = l.user_id
    RETURNING u.tenant_id, u.user_id, l.is_owed
)
SELECT tenant_id, user_id FROM marked WHERE is_owed

-- name: has_due_deletions
-- Whether objects are to be deleted now.
SELECT EXISTS (SELECT FROM cold_deletions WHERE due_at <= now()) AS has_due

-- name: users_with_old_turns
-- Read the users of a tenant (null: all) who have turns to move, or one user.
SELECT u.tenant_id, u.user_id FROM users AS u
WHERE (%(only_tenant)s::text IS NULL OR u.tenant_id = %(only_tenant)s)
      AND (%(only_user)s::text IS NULL OR u.user_id = %(only_user)s)
      AND EXISTS (
          SELECT FROM turns AS t
          WHERE t.tenant_id = u.tenant_id AND t.user_id = u.user_id AND t.cold_object IS NULL AND t.content <> ''
                AND t.role <> 'edit' AND t.occurred_at < now() - make_interval(secs => %(age_seconds)s)
      )
ORDER BY u.tenant_id, u.user_id

-- name: users_with_objects
-- Read the users of a tenant (null: all) who have objects, or one user, with the number of their turns.
SELECT tenant_id, user_id, sum(turns)::bigint AS turns FROM cold_objects
WHERE (%(only_tenant)s::text IS NULL OR tenant_id = %(only_tenant)s)
      AND (%(only_user)s::text IS NULL OR user_id = %(only_user)s) AND state = 'stored'
GROUP BY tenant_id, user_id
ORDER BY tenant_id, user_id

-- name: status
-- Count what the archive has, of a tenant (null: all) or one user.
SELECT count(*) FILTER (WHERE state = 'stored') AS objects,
       coalesce(sum(turns) FILTER (WHERE state = 'stored'), 0)::bigint AS turns,
       coalesce(sum(content_bytes) FILTER (WHERE state = 'stored'), 0)::bigint AS content_bytes,
       coalesce(sum(file_bytes) FILTER (WHERE state = 'stored'), 0)::bigint AS file_bytes,
       count(*) FILTER (WHERE state = 'writing') AS writing,
       count(DISTINCT (tenant_id, user_id)) FILTER (WHERE state = 'stored') AS users,
       (SELECT count(*) FROM cold_deletions) AS deletions
FROM cold_objects
WHERE (%(only_tenant)s::text IS NULL OR tenant_id = %(only_tenant)s)
      AND (%(only_user)s::text IS NULL OR user_id = %(only_user)s)

-- name: old_turns
-- Count the turns that are old enough to move, and are not moved.
SELECT count(*) AS turns FROM turns AS t
WHERE (%(only_tenant)s::text IS NULL OR tenant_id = %(only_tenant)s)
      AND (%(only_user)s::text IS NULL OR user_id = %(only_user)s)
      AND t.cold_object IS NULL AND t.content <> '' AND t.role <> 'edit'
      AND t.occurred_at < now() - make_interval(secs => %(age_seconds)s)
