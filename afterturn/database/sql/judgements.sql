-- name: answer
-- Read the stored answer to a question, under the present prompt or an earlier one.
SELECT answer FROM judgements
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND input_digest = ANY(%(input_digests)s::text[])
ORDER BY array_position(%(input_digests)s::text[], input_digest)
LIMIT 1

-- name: add_answer
-- Store an answer before it is used, if this process still has the lease on its work. Returns no row if another process
-- has taken the lease over. The first answer to a question stays. The cost of the call is recorded in any case.
WITH recorded AS (
    UPDATE llm_calls
    SET outcome = 'answered', prompt_tokens = %(prompt_tokens)s, completion_tokens = %(completion_tokens)s,
        cached_tokens = %(cached_tokens)s, ended_at = now()
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND call_id = %(call_id)s::uuid
)
INSERT INTO judgements (tenant_id, user_id, input_digest, prompt_version, model, batch_id, answer)
SELECT %(tenant_id)s, %(user_id)s, %(input_digest)s, %(prompt_version)s, %(model)s, %(batch_id)s, %(answer)s
FROM leases
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND kind = %(lease_kind)s AND item = %(lease_item)s
      AND token = %(lease_token)s
FOR SHARE
ON CONFLICT (tenant_id, user_id, input_digest) DO UPDATE SET answer = judgements.answer
RETURNING input_digest

-- name: add_question
-- Store the question that a batch waits for, and its known facts, with the version of the memory they were read from:
-- the part `moved` of `releasing` in leases.sql.
added AS (
    INSERT INTO judge_questions (tenant_id, user_id, batch_id, question, version, fact_ids)
    SELECT %(tenant_id)s, %(user_id)s, %(batch_id)s, %(question)s, %(version)s, %(fact_ids)s::uuid[] FROM released
    ON CONFLICT (tenant_id, user_id, batch_id)
    DO UPDATE SET question = EXCLUDED.question, version = EXCLUDED.version, fact_ids = EXCLUDED.fact_ids
),
moved AS (
    UPDATE batches SET owes_judgement = true, hinted_at = CASE WHEN %(is_handed_on)s THEN now() END
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s AND state = 'extracted'
          AND EXISTS (SELECT FROM released)
    RETURNING batch_id
)

-- name: owed_judgement
-- Read the question that a batch waits for; null if release 0.1 planned the batch. No row if the batch waits for none.
SELECT q.question
FROM batches AS b LEFT JOIN judge_questions AS q USING (tenant_id, user_id, batch_id)
WHERE b.tenant_id = %(tenant_id)s AND b.user_id = %(user_id)s AND b.batch_id = %(batch_id)s AND b.owes_judgement

-- name: question_facts
-- Read the known facts that a batch's last question was about, if the memory still has the same version.
SELECT fact_ids FROM judge_questions
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s AND version = %(version)s
      AND fact_ids IS NOT NULL

-- name: delete_question
-- Mark that the batch no longer waits for an answer and can be applied. Until then, the facts
-- of the question are kept. It is the part `moved` of `releasing` in leases.sql.
answered AS (
    UPDATE judge_questions SET question = NULL
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s
          AND EXISTS (SELECT FROM released)
),
moved AS (
    UPDATE batches SET owes_judgement = false, hinted_at = CASE WHEN %(is_handed_on)s THEN now() END
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s AND state = 'extracted'
          AND EXISTS (SELECT FROM released)
    RETURNING batch_id
)

-- name: add_compared
-- Add the known facts with which a model has compared the facts of a batch.
INSERT INTO compared_facts (tenant_id, user_id, batch_id, fact_ids)
VALUES (%(tenant_id)s, %(user_id)s, %(batch_id)s, %(fact_ids)s)
ON CONFLICT (tenant_id, user_id, batch_id) DO UPDATE SET fact_ids = compared_facts.fact_ids || EXCLUDED.fact_ids

-- name: compared
-- Read with which facts a model has compared those of each batch.
SELECT batch_id, fact_ids FROM compared_facts WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s
