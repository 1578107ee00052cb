-- name: lock_user
-- Allow one reservation at a time for a user with a budget. The user's row comes first in the order of locks.
SELECT FROM users WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s FOR NO KEY UPDATE

-- name: spent_today
-- Read the tokens that users have spent since midnight UTC. A running call, or one whose process died, counts with all tokens
-- that it reserved.
SELECT l.tenant_id, l.user_id,
       sum(CASE WHEN l.ended_at IS NULL THEN l.reserved_tokens ELSE l.prompt_tokens + l.completion_tokens END)::bigint
           AS tokens
FROM unnest(%(tenants)s::text[], %(users)s::text[]) AS o (tenant_id, user_id)
JOIN llm_calls AS l USING (tenant_id, user_id)
WHERE l.reserved_at >= date_trunc('day', now(), 'UTC')
GROUP BY l.tenant_id, l.user_id

-- name: reserve
-- Reserve an LLM call before it is made, under the lease on the work. Returns no row if another process has taken the
-- lease over.
INSERT INTO llm_calls (tenant_id, user_id, call_id, stage, session_id, batch_id, model, reserved_tokens)
SELECT %(tenant_id)s, %(user_id)s, %(call_id)s, %(stage)s, %(session_id)s, %(batch_id)s, %(model)s, %(reserved_tokens)s
FROM leases
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND kind = %(lease_kind)s AND item = %(lease_item)s
      AND token = %(lease_token)s
FOR SHARE
RETURNING call_id

-- name: record_result
-- Record the outcome and the cost of a call.
UPDATE llm_calls
SET outcome = %(outcome)s, prompt_tokens = %(prompt_tokens)s, completion_tokens = %(completion_tokens)s,
    cached_tokens = %(cached_tokens)s, ended_at = now()
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND call_id = %(call_id)s

-- name: costs
-- Sum the costs of the calls of the last days by user, stage or batch (the highest first), or by day in UTC (the newest
-- first).
-- Tenant, user and days may be null: all of them. The cost of reserved tokens may become lower.
SELECT CASE WHEN %(by)s IN ('user', 'batch') THEN tenant_id END AS tenant_id,
       CASE WHEN %(by)s IN ('user', 'batch') THEN user_id END AS user_id,
       CASE WHEN %(by)s = 'day' THEN (reserved_at AT TIME ZONE 'UTC')::date END AS day,
       CASE WHEN %(by)s = 'stage' THEN stage END AS stage,
       CASE WHEN %(by)s = 'batch' THEN batch_id END AS batch_id,
       count(*) AS calls,
       sum(prompt_tokens)::bigint AS prompt_tokens,
       sum(cached_tokens)::bigint AS cached_tokens,
       sum(completion_tokens)::bigint AS completion_tokens,
       count(*) FILTER (WHERE ended_at IS NULL) AS unfinished_calls,
       coalesce(sum(reserved_tokens) FILTER (WHERE ended_at IS NULL), 0)::bigint AS reserved_tokens
FROM llm_calls
WHERE (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
      AND (%(user_id)s::text IS NULL OR user_id = %(user_id)s)
      AND (%(days)s::int IS NULL
           OR reserved_at >= date_trunc('day', now(), 'UTC') - make_interval(days => %(days)s::int - 1))
GROUP BY 1, 2, 3, 4, 5
ORDER BY day DESC, sum(prompt_tokens + completion_tokens) DESC, 1, 2, 4, 5

-- name: paused
-- Read the batches of a user that wait for the next day.
SELECT count(*) AS paused_batches, max(paused_until) AS paused_until FROM batches
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND state IN ('pending', 'extracted')
      AND paused_budget IS NOT NULL AND paused_until > now()
