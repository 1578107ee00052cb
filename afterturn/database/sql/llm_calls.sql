-- name: reserve
-- Reserve an LLM call before it is made.
INSERT INTO llm_calls (tenant_id, user_id, call_id, stage, session_id, batch_id, model)
VALUES (%(tenant_id)s, %(user_id)s, %(call_id)s, %(stage)s, %(session_id)s, %(batch_id)s, %(model)s)

-- name: end
-- What the call came to.
UPDATE llm_calls
SET outcome = %(outcome)s, prompt_tokens = %(prompt_tokens)s, completion_tokens = %(completion_tokens)s, ended_at = now()
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND call_id = %(call_id)s

-- name: total
-- What a user's calls came to, by stage.
SELECT stage, count(*) AS calls, sum(prompt_tokens) AS prompt_tokens, sum(completion_tokens) AS completion_tokens
FROM llm_calls
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s
GROUP BY stage ORDER BY stage
