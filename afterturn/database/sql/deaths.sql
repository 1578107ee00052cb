-- name: outcome_counts
-- Count the batches that became dead, and those that were applied, in the last seconds. Tenant and user may be null: all.
-- Discarded and replayed batches are not counted as dead.
SELECT count(*) FILTER (WHERE state = 'dead') AS dead, count(*) FILTER (WHERE state = 'applied') AS applied
FROM batches
WHERE (state = 'dead' AND discarded_at IS NULL AND dead_at > now() - make_interval(secs => %(seconds)s)
       OR state = 'applied' AND applied_at > now() - make_interval(secs => %(seconds)s))
      AND (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
      AND (%(user_id)s::text IS NULL OR user_id = %(user_id)s)
