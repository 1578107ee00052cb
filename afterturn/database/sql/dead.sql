-- name: find
-- Read dead batches, the latest first. Reason is a prefix. Tenant, user, reason and limit may be null: no condition.
SELECT tenant_id, user_id, batch_id, session_id, user_seq, first_position, last_position, reason, attempts, created_at,
       dead_at, discarded_at
FROM batches
WHERE state = 'dead' AND (%(with_discarded)s OR discarded_at IS NULL)
      AND (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
      AND (%(user_id)s::text IS NULL OR user_id = %(user_id)s)
      AND (%(reason)s::text IS NULL OR starts_with(reason, %(reason)s))
ORDER BY dead_at DESC, user_seq DESC
LIMIT %(limit)s

-- name: find_items
-- Read dead entries, missing vectors, and failed summaries and sleeps, the latest first. Reason is a prefix. Tenant, user, reason, id and limit may be
-- null: no condition.
SELECT * FROM (
    SELECT 'entry' AS kind, tenant_id, user_id, dead_id, session_id, entry_id AS item, reason, 1 AS attempts, dead_at,
           discarded_at, payload
    FROM dead_entries
    UNION ALL
    SELECT 'vector', tenant_id, user_id, dead_id, session_id, kind || ' ' || item, reason, attempts, dead_at,
           discarded_at, NULL
    FROM missing_vectors WHERE retry_at IS NULL
    UNION ALL
    SELECT kind, tenant_id, user_id, dead_id, CASE WHEN kind = 'summary' THEN item ELSE '' END, item, reason, attempts,
           dead_at, discarded_at, NULL
    FROM failed_work WHERE retry_at IS NULL
) AS items
WHERE (%(with_discarded)s OR discarded_at IS NULL)
      AND (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
      AND (%(user_id)s::text IS NULL OR user_id = %(user_id)s)
      AND (%(reason)s::text IS NULL OR starts_with(reason, %(reason)s))
      AND (%(dead_id)s::uuid IS NULL OR dead_id = %(dead_id)s)
ORDER BY dead_at DESC, item
LIMIT %(limit)s

-- name: named
-- Read which of these batches, dead entries, missing vectors and failed summaries and sleeps exist, dead or not, and their owners.
SELECT tenant_id, user_id, batch_id FROM batches WHERE batch_id = ANY(%(batch_ids)s)
UNION ALL
SELECT tenant_id, user_id, dead_id FROM dead_entries WHERE dead_id = ANY(%(batch_ids)s)
UNION ALL
SELECT tenant_id, user_id, dead_id FROM missing_vectors WHERE dead_id = ANY(%(batch_ids)s)
UNION ALL
SELECT tenant_id, user_id, dead_id FROM failed_work WHERE dead_id = ANY(%(batch_ids)s)

-- name: show
-- Read one batch, dead or not, with the sums of its calls and tokens.
SELECT b.tenant_id, b.user_id, b.batch_id, b.session_id, b.user_seq, b.first_position, b.last_position, b.tokens,
       b.cut_by, b.state, b.kind, b.reason, b.attempts, b.prompt_version, b.model, b.embedded_at,
       b.verified_at = b.extracted_at AS is_verified, b.paused_until, b.created_at,
       b.extracted_at, b.applied_at, b.dead_at, b.discarded_at, c.calls, c.prompt_tokens, c.completion_tokens
FROM batches AS b, LATERAL (
    SELECT count(*) AS calls, coalesce(sum(l.prompt_tokens), 0)::bigint AS prompt_tokens,
           coalesce(sum(l.completion_tokens), 0)::bigint AS completion_tokens
    FROM llm_calls AS l
    WHERE l.tenant_id = b.tenant_id AND l.user_id = b.user_id AND l.batch_id = b.batch_id
) AS c
WHERE b.batch_id = %(batch_id)s

-- name: lock_user
-- Lock the user's row (user before session before batch), and read the number of the user's next batch.
SELECT next_user_seq FROM users WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s FOR NO KEY UPDATE

-- name: lock_dead
-- Read and lock the dead ones of these batches, in their old order.
SELECT tenant_id, user_id, batch_id, session_id, user_seq, first_position, last_position, state, kind, reason,
       attempts, prompt_version, model, embedded_at, verified_at = extracted_at AS is_verified
FROM batches
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = ANY(%(batch_ids)s) AND state = 'dead'
ORDER BY user_seq
FOR NO KEY UPDATE

-- name: answers
-- Read all stored answers of a batch, of any prompt version and model.
SELECT prompt_version, model, first_position, last_position, '' AS piece, attempt, answer FROM answers
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s AND answer IS NOT NULL
UNION ALL
SELECT prompt_version, model, position, position, piece, attempt, answer FROM answer_pieces
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s AND answer IS NOT NULL

-- name: delete_answer
-- Delete an answer that cannot be used, so that the LLM is asked again.
WITH pieces AS (
    DELETE FROM answer_pieces
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s
          AND prompt_version = %(prompt_version)s AND model = %(model)s
          AND position = %(first_position)s AND piece = %(piece)s AND attempt = %(attempt)s
)
DELETE FROM answers
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s
      AND prompt_version = %(prompt_version)s AND model = %(model)s
      AND first_position = %(first_position)s AND last_position = %(last_position)s AND attempt = %(attempt)s
      AND %(piece)s = ''

-- name: replay
-- dead -> pending, or extracted if the stored answer can be used. The batch gets a new number, as if it was just cut.
UPDATE batches
SET state = %(state)s, user_seq = %(user_seq)s, reason = NULL, attempts = 0, successes_seen = NULL, paused_until = NULL,
    hinted_at = NULL, dead_at = NULL, discarded_at = NULL, embedded_at = NULL,
    extracted_at = CASE WHEN %(state)s = 'extracted' THEN extracted_at END,
    prompt_version = CASE WHEN %(state)s = 'extracted' THEN prompt_version END,
    model = CASE WHEN %(state)s = 'extracted' THEN model END
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s AND state = 'dead'

-- name: update_user
-- Update the number of the user's next batch.
UPDATE users SET next_user_seq = %(next_user_seq)s WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s

-- name: discard
-- Discard dead batches. Already discarded ones are unchanged.
UPDATE batches SET discarded_at = now()
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = ANY(%(batch_ids)s)
      AND state = 'dead' AND discarded_at IS NULL
RETURNING batch_id, user_seq, reason

-- name: audit
-- Insert an audit record: who did what to a batch. It has no content.
INSERT INTO audit_log (tenant_id, user_id, action, batch_id, details, actor)
VALUES (%(tenant_id)s, %(user_id)s, %(action)s, %(batch_id)s, %(details)s, %(actor)s)
