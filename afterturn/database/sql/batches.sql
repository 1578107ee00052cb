-- name: load
-- Read a batch if it is in the state that a stage starts from. Read after the claim, so that the row is up to date.
SELECT tenant_id, user_id, batch_id, session_id, user_seq, first_position, last_position, state, kind, place, attempts,
       reason, successes_seen, prompt_version, model, embedded_at, verified_at = extracted_at AS is_verified
FROM batches
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s
      AND state = %(state)s AND (paused_until IS NULL OR paused_until <= now())

-- name: turns
-- Read the turns of a session between two positions, in order. Those whose text is in the cold archive are left out: they
-- are old, and only context.
SELECT turn_id, role, content, occurred_at, name, agent_id, metadata, memories_shown, position,
       removed_at IS NOT NULL AS is_removed
FROM turns
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s
      AND position BETWEEN %(first_position)s AND %(last_position)s AND cold_object IS NULL
ORDER BY position

-- name: user
-- Read the user's name and timezone.
SELECT display_name, timezone FROM users WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s

-- name: add_answer
-- Store an answer before it is used, if this process still has the lease on its batch. An answer without text means that
-- its turns are sent to the model in two halves. Returns no row if another process has taken the lease over. The cost of the
-- call is recorded in any case.
WITH recorded AS (
    UPDATE llm_calls
    SET outcome = 'answered', prompt_tokens = %(prompt_tokens)s, completion_tokens = %(completion_tokens)s,
        cached_tokens = %(cached_tokens)s, ended_at = now()
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND call_id = %(call_id)s::uuid
)
INSERT INTO answers (
    tenant_id, user_id, batch_id, prompt_version, model, first_position, last_position, attempt, answer, known_ids
)
SELECT %(tenant_id)s, %(user_id)s, %(batch_id)s, %(prompt_version)s, %(model)s, %(first_position)s, %(last_position)s,
       %(attempt)s, %(answer)s, %(known_ids)s::uuid[]
FROM leases
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND kind = %(lease_kind)s AND item = %(lease_item)s
      AND token = %(lease_token)s
FOR SHARE
ON CONFLICT (tenant_id, user_id, batch_id, prompt_version, model, first_position, last_position, attempt)
DO UPDATE SET answer = answers.answer
RETURNING attempt

-- name: add_answer_piece
-- Store an answer to a piece of one turn, and its cost, under the same condition as `add_answer`.
WITH recorded AS (
    UPDATE llm_calls
    SET outcome = 'answered', prompt_tokens = %(prompt_tokens)s, completion_tokens = %(completion_tokens)s,
        cached_tokens = %(cached_tokens)s, ended_at = now()
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND call_id = %(call_id)s::uuid
)
INSERT INTO answer_pieces (
    tenant_id, user_id, batch_id, prompt_version, model, position, piece, attempt, answer, known_ids
)
SELECT %(tenant_id)s, %(user_id)s, %(batch_id)s, %(prompt_version)s, %(model)s, %(first_position)s, %(piece)s,
       %(attempt)s, %(answer)s, %(known_ids)s::uuid[]
FROM leases
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND kind = %(lease_kind)s AND item = %(lease_item)s
      AND token = %(lease_token)s
FOR SHARE
ON CONFLICT (tenant_id, user_id, batch_id, prompt_version, model, position, piece, attempt)
DO UPDATE SET answer = answer_pieces.answer
RETURNING attempt

-- name: answers
-- Read all answers stored for a batch by one of these prompts and a model: those of the last prompt that has any. A repair
-- comes after the answer that it repairs.
WITH stored AS (
    SELECT prompt_version, first_position, last_position, '' AS piece, attempt, answer, known_ids FROM answers
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s
          AND prompt_version = ANY(%(prompt_versions)s::text[]) AND model = %(model)s
    UNION ALL
    SELECT prompt_version, position, position, piece, attempt, answer, known_ids FROM answer_pieces
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s
          AND prompt_version = ANY(%(prompt_versions)s::text[]) AND model = %(model)s
)
SELECT prompt_version, first_position, last_position, piece, attempt, answer, known_ids FROM stored
WHERE array_position(%(prompt_versions)s::text[], prompt_version) =
      (SELECT min(array_position(%(prompt_versions)s::text[], prompt_version)) FROM stored)
ORDER BY first_position, last_position DESC, piece, attempt

-- name: extracted
-- pending -> extracted. The candidates are stored in the same transaction. The process goes on with the vectors; if it
-- dies before, the sweep hands the batch out. Like all transitions it is the part `moved` of `releasing` in leases.sql.
moved AS (
    UPDATE batches
    SET state = 'extracted', extracted_at = now(), verified_at = now(), prompt_version = %(prompt_version)s,
        model = %(model)s, hinted_at = now(), attempts = 0, successes_seen = NULL,
        reason = NULL
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s AND state = 'pending'
          AND EXISTS (SELECT FROM released)
    RETURNING batch_id
)

-- name: embedded
-- Mark the batch as embedded. It is applied after the earlier batches of its user.
moved AS (
    UPDATE batches SET embedded_at = now(), hinted_at = NULL, reason = NULL
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s AND state = 'extracted'
          AND EXISTS (SELECT FROM released)
    RETURNING batch_id
)

-- name: applied
-- extracted -> applied. The session then owes a summary that includes the batch. The data stored for its
-- question to the judge is deleted.
done AS (
    UPDATE batches SET state = 'applied', applied_at = now()
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s AND state = 'extracted'
          AND EXISTS (SELECT FROM released)
    RETURNING tenant_id, user_id, session_id, user_seq
),
answered AS (
    DELETE FROM judge_questions
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s
),
moved AS (
    UPDATE sessions AS s SET applied_through = GREATEST(s.applied_through, done.user_seq), summary_hinted_at = NULL
    FROM done
    WHERE s.tenant_id = done.tenant_id AND s.user_id = done.user_id AND s.session_id = done.session_id
    RETURNING s.session_id
)

-- name: next_ready
-- Read the user's earliest open batch, if it is ready to be applied.
SELECT batch_id, place FROM (
    SELECT batch_id, place, state, embedded_at, paused_until, owes_judgement FROM batches
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND state IN ('pending', 'extracted')
    ORDER BY user_seq LIMIT 1
) AS earliest
WHERE state = 'extracted' AND embedded_at IS NOT NULL AND NOT owes_judgement
      AND (paused_until IS NULL OR paused_until <= now())

-- name: hand_on_next
-- Mark the user's earliest open batch as handed out, if it is at one of these steps (pending: to be extracted, embedded:
-- to be applied) and was not handed out yet. The batch `done` is excluded, because the caller has just processed it.
UPDATE batches AS b SET hinted_at = now()
FROM (
    SELECT batch_id FROM batches
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND state IN ('pending', 'extracted')
    ORDER BY user_seq LIMIT 1
) AS earliest
WHERE b.tenant_id = %(tenant_id)s AND b.user_id = %(user_id)s AND b.batch_id = earliest.batch_id
      AND step_of(b.state, b.embedded_at, b.owes_judgement) = ANY(%(steps)s) AND b.hinted_at IS NULL
      AND (b.paused_until IS NULL OR b.paused_until <= now()) AND b.batch_id IS DISTINCT FROM %(done)s::uuid
RETURNING b.batch_id, b.place, b.state

-- name: hand_back
-- Undo the mark of a batch that was handed out to be applied and was not processed: it may be handed out again at once.
-- If it waits for a judgement by now, it was handed out to the judge.
UPDATE batches SET hinted_at = NULL
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s
      AND state = 'extracted' AND embedded_at IS NOT NULL AND NOT owes_judgement

-- name: hand_out_again
-- Undo the mark of a batch that was handed out, whatever its step is.
UPDATE batches SET hinted_at = NULL
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s
      AND state IN ('pending', 'extracted') AND hinted_at IS NOT NULL

-- name: pause
-- Pause the batch; the sweep enqueues it again after this many seconds.
UPDATE batches
SET paused_until = now() + make_interval(secs => %(seconds)s), paused_budget = NULL, hinted_at = NULL,
    attempts = attempts + %(attempts)s
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s
      AND state IN ('pending', 'extracted')

-- name: pause_for_the_day
-- Pause the batch until the next midnight UTC, or until the limit is raised: the user's daily tokens are used up.
UPDATE batches
SET paused_until = date_trunc('day', now(), 'UTC') + make_interval(hours => 24), paused_budget = %(limit_tokens)s,
    hinted_at = NULL
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s
      AND state IN ('pending', 'extracted')

-- name: note_unavailable
-- Record that the endpoint was unavailable. It counts as an attempt only if other calls succeeded since this batch last
-- failed.
UPDATE batches
SET attempts = attempts + CASE WHEN %(successes)s > successes_seen THEN 1 ELSE 0 END, successes_seen = %(successes)s
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s
      AND state IN ('pending', 'extracted')
RETURNING attempts

-- name: note_refused
-- Record that an endpoint refused the batch permanently. If it was refused before and others succeeded since, the batch
-- is the cause, and the refusal counts as an attempt. The reason is stored with the first refusal.
WITH earlier AS (
    SELECT reason IS NOT NULL AND %(successes)s > successes_seen AS is_confirmed FROM batches
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s
    FOR NO KEY UPDATE
)
UPDATE batches
SET attempts = attempts + earlier.is_confirmed::int, successes_seen = %(successes)s, reason = %(reason)s
FROM earlier
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s
      AND state IN ('pending', 'extracted')
RETURNING attempts, earlier.is_confirmed

-- name: dead
-- Mark a batch dead, with the reason. It no longer blocks the user's later batches.
UPDATE batches SET state = 'dead', reason = %(reason)s, attempts = attempts + 1, dead_at = now()
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s
      AND state IN ('pending', 'extracted')
