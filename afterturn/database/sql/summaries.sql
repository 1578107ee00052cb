-- name: previous
-- A session's summary so far, and how far it and the applied batches go.
SELECT s.summarized_through, s.applied_through, m.text
FROM sessions AS s
LEFT JOIN summaries AS m USING (tenant_id, user_id, session_id)
WHERE s.tenant_id = %(tenant_id)s AND s.user_id = %(user_id)s AND s.session_id = %(session_id)s
      AND s.summarized_through < s.applied_through

-- name: episodes_since
-- The session's episodes that its summary lacks, in order.
SELECT title, summary, outcome, started_at FROM episodes
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s
      AND user_seq > %(summarized_through)s AND user_seq <= %(applied_through)s
ORDER BY user_seq

-- name: lock_user
-- Keep others from changing the user's memory meanwhile.
SELECT FROM users WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s FOR NO KEY UPDATE

-- name: put
-- The new summary.
INSERT INTO summaries (tenant_id, user_id, session_id, text, through_user_seq, prompt_version, model)
VALUES (%(tenant_id)s, %(user_id)s, %(session_id)s, %(text)s, %(applied_through)s, %(prompt_version)s, %(model)s)
ON CONFLICT (tenant_id, user_id, session_id) DO UPDATE
SET text = EXCLUDED.text, through_user_seq = EXCLUDED.through_user_seq, prompt_version = EXCLUDED.prompt_version,
    model = EXCLUDED.model, updated_at = now()

-- name: done
-- The debt is paid up to here.
UPDATE sessions SET summarized_through = %(applied_through)s, summary_hinted_at = NULL
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s
      AND summarized_through = %(summarized_through)s
RETURNING session_id

-- name: put_profile
-- The digest of a user.
INSERT INTO profiles (tenant_id, user_id, text) VALUES (%(tenant_id)s, %(user_id)s, %(text)s)
ON CONFLICT (tenant_id, user_id) DO UPDATE SET text = EXCLUDED.text, updated_at = now()
WHERE profiles.text <> EXCLUDED.text
