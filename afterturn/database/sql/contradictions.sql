-- name: link
-- Link two facts that contradict each other, if both are current. A pair that was settled is open again.
INSERT INTO contradictions (tenant_id, user_id, fact_id, other_id, said_at)
SELECT a.tenant_id, a.user_id, least(a.fact_id, b.fact_id), greatest(a.fact_id, b.fact_id),
       greatest(a.said_at, b.said_at)
FROM facts AS a
JOIN facts AS b ON b.tenant_id = a.tenant_id AND b.user_id = a.user_id AND b.fact_id = %(other_id)s
WHERE a.tenant_id = %(tenant_id)s AND a.user_id = %(user_id)s AND a.fact_id = %(fact_id)s
      AND a.status = 'current' AND b.status = 'current' AND a.fact_id <> b.fact_id
ON CONFLICT (tenant_id, user_id, fact_id, other_id) DO UPDATE
SET said_at = EXCLUDED.said_at, settled_at = NULL, settled_by = NULL, reason = NULL

-- name: settle_by_mention
-- End the facts that contradict one which was said again after both, and by now in more turns than they were.
UPDATE facts AS o
SET status = 'superseded', superseded_by = %(fact_id)s, superseded_at = now(), ended_because = 'settled',
    valid_to = COALESCE(o.said_valid_to, LEAST(o.valid_to, %(said_at)s))
FROM contradictions AS k
WHERE k.tenant_id = %(tenant_id)s AND k.user_id = %(user_id)s AND k.settled_at IS NULL AND k.said_at < %(said_at)s
      AND (k.fact_id = %(fact_id)s OR k.other_id = %(fact_id)s)
      AND o.tenant_id = k.tenant_id AND o.user_id = k.user_id AND o.status = 'current'
      AND o.fact_id = CASE WHEN k.fact_id = %(fact_id)s THEN k.other_id ELSE k.fact_id END
      AND o.origin <> 'person' AND NOT o.is_pinned
      AND (
          SELECT count(DISTINCT (e.session_id, e.position)) FILTER (WHERE e.fact_id = %(fact_id)s)
                 > count(DISTINCT (e.session_id, e.position)) FILTER (WHERE e.fact_id = o.fact_id)
          FROM evidence AS e
          WHERE e.tenant_id = o.tenant_id AND e.user_id = o.user_id AND e.fact_id IN (%(fact_id)s, o.fact_id)
      )

-- name: reopen
-- Link the new version of a reinstated fact with what the fact contradicted, or with the fact in which that lives on. The
-- link is settled while the other one is not current: it may be reinstated later.
WITH RECURSIVE other (fact_id, said_at, found_at, steps) AS (
    SELECT CASE WHEN fact_id = %(fact_id)s THEN other_id ELSE fact_id END, said_at, found_at, 1
    FROM contradictions
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND (fact_id = %(fact_id)s OR other_id = %(fact_id)s)
    UNION
    SELECT f.superseded_by, other.said_at, other.found_at, other.steps + 1
    FROM other JOIN facts AS f ON f.tenant_id = %(tenant_id)s AND f.user_id = %(user_id)s AND f.fact_id = other.fact_id
    WHERE f.status = 'superseded' AND f.ended_because IN ('merged', 'refined', 'united') AND f.superseded_by IS NOT NULL
          AND other.steps < 20
)
INSERT INTO contradictions (tenant_id, user_id, fact_id, other_id, said_at, found_at, settled_at, reason)
SELECT DISTINCT ON (o.fact_id) o.tenant_id, o.user_id, least(o.fact_id, %(new_id)s), greatest(o.fact_id, %(new_id)s),
       other.said_at, other.found_at, CASE WHEN o.status <> 'current' THEN now() END, o.ended_because
FROM other JOIN facts AS o ON o.tenant_id = %(tenant_id)s AND o.user_id = %(user_id)s AND o.fact_id = other.fact_id
WHERE o.status <> 'retracted' AND o.fact_id <> %(new_id)s
ORDER BY o.fact_id, other.said_at
ON CONFLICT DO NOTHING

-- name: keep
-- End the facts that contradict one which a person keeps.
UPDATE facts AS o
SET status = 'superseded', superseded_by = %(fact_id)s, superseded_at = now(), ended_because = 'person',
    valid_to = COALESCE(o.said_valid_to, LEAST(o.valid_to, now()))
FROM contradictions AS k
WHERE k.tenant_id = %(tenant_id)s AND k.user_id = %(user_id)s AND k.settled_at IS NULL
      AND (k.fact_id = %(fact_id)s OR k.other_id = %(fact_id)s)
      AND o.tenant_id = k.tenant_id AND o.user_id = k.user_id AND o.status = 'current'
      AND o.fact_id = CASE WHEN k.fact_id = %(fact_id)s THEN k.other_id ELSE k.fact_id END
