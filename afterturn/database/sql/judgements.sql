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
-- A batch waits for a judgement.
UPDATE batches SET owes_judgement = true, hinted_at = now()
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s AND state = 'extracted'

-- name: paid
-- It waits no more, and may be applied.
UPDATE batches SET owes_judgement = false, hinted_at = now()
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s AND state = 'extracted'
