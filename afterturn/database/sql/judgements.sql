-- name: stored
-- What was answered to a question.
SELECT answer FROM judgements
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND input_digest = %(input_digest)s

-- name: store
-- Keep an answer before anything is done with it.
INSERT INTO judgements (tenant_id, user_id, input_digest, prompt_version, model, batch_id, answer)
VALUES (%(tenant_id)s, %(user_id)s, %(input_digest)s, %(prompt_version)s, %(model)s, %(batch_id)s, %(answer)s)
ON CONFLICT DO NOTHING

-- name: owe
-- A batch waits for the answer to this question.
WITH asked AS (
    INSERT INTO judge_questions (tenant_id, user_id, batch_id, question)
    VALUES (%(tenant_id)s, %(user_id)s, %(batch_id)s, %(question)s)
    ON CONFLICT (tenant_id, user_id, batch_id) DO UPDATE SET question = EXCLUDED.question
)
UPDATE batches SET owes_judgement = true, hinted_at = now()
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s AND state = 'extracted'

-- name: owed
-- What the judge is to be asked of a batch that waits for it; null where the batch was planned by release 0.1.
SELECT q.question
FROM batches AS b LEFT JOIN judge_questions AS q USING (tenant_id, user_id, batch_id)
WHERE b.tenant_id = %(tenant_id)s AND b.user_id = %(user_id)s AND b.batch_id = %(batch_id)s AND b.owes_judgement

-- name: settle
-- The batch waits for no answer any more, and may be applied.
WITH answered AS (
    DELETE FROM judge_questions
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s
)
UPDATE batches SET owes_judgement = false, hinted_at = now()
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s AND state = 'extracted'
