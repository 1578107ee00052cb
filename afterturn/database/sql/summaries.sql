-- name: summarized_range
-- Read up to which batch a session is summarized and applied. No row if the summary is up to date.
SELECT summarized_through, applied_through FROM sessions
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s
      AND summarized_through < applied_through

-- name: hand_out_again
-- Have a summary handed out again that is owed: its message may have come while the session was leased.
UPDATE sessions SET summary_hinted_at = NULL
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s
      AND owes_summary AND summary_hinted_at IS NOT NULL

-- name: applied_through
-- Read up to which batch a session is applied.
SELECT applied_through FROM sessions
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s

-- name: uncovered_episodes
-- Read the session's episodes that no digest covers, up to a batch, in order.
SELECT batch_id::text AS episode_id, user_seq, title, summary, started_at FROM episodes
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s
      AND user_seq <= %(through)s
      AND user_seq > COALESCE((
          SELECT last_user_seq FROM digests
          WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s AND level = 0
          ORDER BY first_user_seq DESC LIMIT 1
      ), 0)
ORDER BY user_seq

-- name: episodes_within
-- Read the session's episodes that one digest covers, in order.
SELECT batch_id::text AS episode_id, user_seq, title, summary, started_at FROM episodes
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s
      AND user_seq BETWEEN %(first_user_seq)s AND %(last_user_seq)s
ORDER BY user_seq

-- name: top_digests
-- Read the session's digests that no wider one covers, in order.
SELECT level, first_user_seq, last_user_seq, statements FROM digests
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s AND NOT is_folded
ORDER BY first_user_seq

-- name: digests_within
-- Read the session's digests of one level that a wider one covers, in order.
SELECT level, first_user_seq, last_user_seq, statements FROM digests
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s AND level = %(level)s
      AND first_user_seq BETWEEN %(first_user_seq)s AND %(last_user_seq)s
ORDER BY first_user_seq

-- name: upsert_digest
-- Store a digest, the first time or again. The digests that it is made from are marked as covered (is_folded).
WITH folded AS (
    UPDATE digests SET is_folded = true
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s
          AND level = %(level)s - 1 AND first_user_seq BETWEEN %(first_user_seq)s AND %(last_user_seq)s
          AND NOT is_folded
)
INSERT INTO digests (
    tenant_id, user_id, session_id, level, first_user_seq, last_user_seq, statements, prompt_version, model
) VALUES (
    %(tenant_id)s, %(user_id)s, %(session_id)s, %(level)s, %(first_user_seq)s, %(last_user_seq)s, %(statements)s,
    %(prompt_version)s, %(model)s
)
ON CONFLICT (tenant_id, user_id, session_id, level, first_user_seq) DO UPDATE
SET statements = EXCLUDED.statements, prompt_version = EXCLUDED.prompt_version, model = EXCLUDED.model, made_at = now()

-- name: delete_digest
-- Delete a digest whose episodes were all removed.
DELETE FROM digests
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s AND level = %(level)s
      AND first_user_seq = %(first_user_seq)s

-- name: empty_digests
-- Empty the digests that cover an episode, and mark the session's summary as due, so that they are made again.
WITH vacated AS (
    UPDATE digests SET statements = NULL, prompt_version = NULL, model = NULL
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s
          AND %(user_seq)s BETWEEN first_user_seq AND last_user_seq
    RETURNING level
)
UPDATE sessions
SET summarized_through = LEAST(summarized_through, %(user_seq)s - 1), summary_hinted_at = NULL
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s
      AND EXISTS (SELECT FROM vacated)

-- name: lock_user
-- Lock the user's row, so that no other transaction changes the memory.
SELECT FROM users WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s FOR NO KEY UPDATE

-- name: upsert_summary
-- Store the summary of a session. An equal summary is not written again.
INSERT INTO summaries (tenant_id, user_id, session_id, text, statements, through_user_seq)
VALUES (%(tenant_id)s, %(user_id)s, %(session_id)s, %(text)s, %(statements)s, %(through)s)
ON CONFLICT (tenant_id, user_id, session_id) DO UPDATE
SET text = EXCLUDED.text, statements = EXCLUDED.statements, through_user_seq = EXCLUDED.through_user_seq,
    updated_at = now()
WHERE (summaries.text, summaries.statements, summaries.through_user_seq)
      IS DISTINCT FROM (EXCLUDED.text, EXCLUDED.statements, EXCLUDED.through_user_seq)

-- name: delete_summary
-- Delete the summary of a session without episodes.
DELETE FROM summaries
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s

-- name: mark_summarized
-- Mark the session as summarized up to a batch. No row: another worker did it.
WITH recovered AS (
    DELETE FROM failed_work
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND kind = 'summary' AND item = %(session_id)s
)
UPDATE sessions SET summarized_through = %(applied_through)s, summary_hinted_at = NULL
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s
      AND summarized_through = %(summarized_through)s
RETURNING session_id

-- name: summary
-- Read a session's summary.
SELECT statements FROM summaries
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s

-- name: profile_facts
-- Read the facts of a profile: current facts that have not faded, and that a person pinned or entered, that have a high
-- importance, or that are of an always useful category and were not said by the assistant alone. An event of the past, and
-- a plan whose day has passed, are left out, unless a person pinned or entered them. Pinned ones first, then lasting facts
-- and present states, then by importance, number of mentions and time.
WITH clock AS MATERIALIZED (SELECT newest_said_at(%(tenant_id)s, %(user_id)s, NULL, NULL) AS now)
SELECT f.fact_id, f.text
FROM facts AS f
CROSS JOIN clock
CROSS JOIN LATERAL (
    -- A fact of an earlier release has no life yet.
    SELECT coalesce(f.life, CASE WHEN f.category IN ('event', 'plan') THEN f.category ELSE 'lasting' END) AS life
) AS kind
WHERE f.tenant_id = %(tenant_id)s AND f.user_id = %(user_id)s AND f.status = 'current'
      AND (f.valid_to IS NULL OR f.valid_to > now() OR f.life IN ('plan', 'state'))
      AND (f.fades_at IS NULL OR f.is_pinned OR f.fades_at > clock.now)
      AND (
          f.is_pinned OR f.origin = 'person' OR f.importance >= %(high_importance)s
          OR (f.category = ANY(%(categories)s) AND f.said_by <> 'assistant')
      )
      AND (
          f.is_pinned OR f.origin = 'person' OR kind.life NOT IN ('event', 'plan')
          OR coalesce(f.valid_from, CASE WHEN kind.life = 'event' THEN f.said_at ELSE 'infinity' END)
             > now() - interval '1 day'
      )
ORDER BY f.is_pinned DESC, kind.life IN ('lasting', 'state') DESC, f.importance DESC, f.times_seen DESC, f.said_at DESC,
         f.fact_id
LIMIT %(limit)s

-- name: upsert_profile
-- Store the profile of a user. An equal profile is not written again.
INSERT INTO profiles (tenant_id, user_id, text, fact_ids) VALUES (%(tenant_id)s, %(user_id)s, %(text)s, %(fact_ids)s)
ON CONFLICT (tenant_id, user_id) DO UPDATE
SET text = EXCLUDED.text, fact_ids = EXCLUDED.fact_ids, updated_at = now()
WHERE (profiles.text, profiles.fact_ids) IS DISTINCT FROM (EXCLUDED.text, EXCLUDED.fact_ids)

-- name: delete_profile
-- Delete the profile of a user without such facts.
DELETE FROM profiles WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s

-- name: profile
-- Read a user's profile without the lines of facts that have faded since it was made. The lines and the facts behind them
-- have the same order.
WITH clock AS MATERIALIZED (SELECT newest_said_at(%(tenant_id)s, %(user_id)s, NULL, NULL) AS now)
SELECT string_agg(line.text, E'\n' ORDER BY line.number) AS text
FROM profiles AS p
CROSS JOIN clock
CROSS JOIN LATERAL ROWS FROM (string_to_table(p.text, E'\n'), unnest(p.fact_ids))
           WITH ORDINALITY AS line (text, fact_id, number)
LEFT JOIN facts AS f ON f.tenant_id = p.tenant_id AND f.user_id = p.user_id AND f.fact_id = line.fact_id
WHERE p.tenant_id = %(tenant_id)s AND p.user_id = %(user_id)s
      AND (f.fades_at IS NULL OR f.is_pinned OR f.fades_at > clock.now)
HAVING count(*) > 0

-- name: user_name
-- Read the user's display name.
SELECT display_name FROM users WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s

-- name: preferences
-- Read the user's own preferences that have an attribute and a value. The one that counts most is last: those that a
-- person entered after all others, and a later one after an earlier one. While the user's name is not known, the subject
-- cannot be compared, and all preferences are read.
SELECT f.fact_id, f.attribute, f.value
FROM facts AS f
JOIN users AS u USING (tenant_id, user_id)
WHERE f.tenant_id = %(tenant_id)s AND f.user_id = %(user_id)s AND f.status = 'current' AND f.category = 'preference'
      AND f.attribute IS NOT NULL AND f.value IS NOT NULL AND f.said_by <> 'assistant'
      AND (f.valid_to IS NULL OR f.valid_to > now())
      AND (
          f.origin = 'person' OR f.subject IS NULL OR u.display_name IS NULL
          OR lower(f.subject) IN (lower(u.display_name), split_part(lower(u.display_name), ' ', 1), 'user', 'the user')
      )
ORDER BY f.origin = 'person', f.said_at, f.fact_id
