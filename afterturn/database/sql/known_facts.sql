-- name: facts
-- Read facts, those said last first. Subject, attribute, topic and category are filters, and `after_time` with
-- `after_id` is the place in this order after which the page starts; null: no condition.
-- `view` is `current`: current facts; `history`: superseded facts as well; `world`: facts that were true at the time
-- `as_of`, as known today (facts that ended as mistakes were never true; a plan holds since it was said, and until something
-- else is said); `recorded`: facts that were current in the database at that time, whatever their status is now.
-- Facts that have faded by the time of the user's newest turn, or at the time `as_of`, are left out unless `include_faded`.
WITH clock AS MATERIALIZED (
    SELECT CASE
        WHEN %(view)s = 'world' THEN %(as_of)s::timestamptz
        ELSE newest_said_at(%(tenant_id)s, %(user_id)s, NULL, %(as_of)s::timestamptz)
    END AS now
)
SELECT fact_id, text, category, topics, subject, attribute, value, importance, times_seen, status, is_pinned, origin,
       said_by, valid_from, valid_to, said_at, first_said_at, recorded_at, superseded_at, superseded_by, ended_because, life,
       CASE WHEN is_pinned THEN NULL ELSE fades_at END AS fades_at, clock.now AS clock
FROM facts
CROSS JOIN clock
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s
      AND CASE %(view)s
          WHEN 'current' THEN status = 'current'
          WHEN 'history' THEN status IN ('current', 'superseded')
          WHEN 'world' THEN
              status <> 'retracted'
              AND coalesce(ended_because, '') NOT IN (
                  'correction', 'merged', 'refined', 'united', 'settled', 'challenge', 'removed', 'deleted'
              )
              AND coalesce(CASE WHEN life = 'plan' THEN NULL ELSE valid_from END, first_said_at, said_at) <= %(as_of)s
              AND (valid_to IS NULL OR valid_to > %(as_of)s OR (life = 'plan' AND status = 'current'))
              -- Where the fact that superseded it was removed, the version that was reinstated is read instead.
              AND NOT EXISTS (
                  SELECT FROM facts AS n
                  WHERE n.tenant_id = %(tenant_id)s AND n.user_id = %(user_id)s AND n.fact_id = facts.superseded_by
                        AND n.status = 'retracted' AND n.ended_because = 'removed'
              )
          WHEN 'recorded' THEN recorded_at <= %(as_of)s AND (superseded_at IS NULL OR superseded_at > %(as_of)s)
      END
      AND (%(include_faded)s OR fades_at IS NULL OR is_pinned OR fades_at > clock.now)
      AND (%(life)s::text IS NULL OR life = %(life)s)
      AND (%(subject)s::text IS NULL OR lower(subject) = lower(%(subject)s))
      AND (%(attribute)s::text IS NULL OR attribute = %(attribute)s)
      AND (%(category)s::text IS NULL OR lower(category) = lower(%(category)s))
      AND (%(topic)s::text IS NULL OR EXISTS (SELECT FROM unnest(topics) AS t WHERE lower(t) = lower(%(topic)s)))
      AND (
          %(after_time)s::timestamptz IS NULL OR said_at < %(after_time)s
          OR (said_at = %(after_time)s AND fact_id > %(after_id)s::uuid)
      )
ORDER BY said_at DESC, fact_id
LIMIT %(limit)s

-- name: history
-- Read a fact, all facts that it superseded, and all that superseded it, directly or indirectly: oldest first.
WITH RECURSIVE linked (fact_id) AS (
    SELECT fact_id FROM facts
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND fact_id = %(fact_id)s
    UNION
    SELECT other.fact_id
    FROM linked, LATERAL (
        SELECT newer.fact_id
        FROM facts AS f
        JOIN facts AS newer
             ON newer.tenant_id = f.tenant_id AND newer.user_id = f.user_id AND newer.fact_id = f.superseded_by
        WHERE f.tenant_id = %(tenant_id)s AND f.user_id = %(user_id)s AND f.fact_id = linked.fact_id
        UNION ALL
        SELECT older.fact_id
        FROM facts AS older
        WHERE older.tenant_id = %(tenant_id)s AND older.user_id = %(user_id)s AND older.superseded_by = linked.fact_id
    ) AS other
)
SELECT f.fact_id, f.text, f.category, f.topics, f.subject, f.attribute, f.value, f.importance, f.times_seen, f.status,
       f.is_pinned, f.origin, f.said_by, f.valid_from, f.valid_to, f.said_at, f.first_said_at, f.recorded_at,
       f.superseded_at, f.superseded_by, f.ended_because, f.life,
       CASE WHEN f.is_pinned THEN NULL ELSE f.fades_at END AS fades_at,
       (SELECT newest_said_at(%(tenant_id)s, %(user_id)s, NULL, NULL)) AS clock
FROM linked
JOIN facts AS f USING (fact_id)
WHERE f.tenant_id = %(tenant_id)s AND f.user_id = %(user_id)s
ORDER BY f.said_at, f.recorded_at, f.fact_id

-- name: evidence
-- Read the evidence of facts, in the order of the turns' times, without removed turns.
SELECT e.fact_id, e.session_id, t.turn_id, e.position, coalesce(t.name, t.role) AS speaker,
       t.occurred_at AS said_at, e.quote
FROM evidence AS e
JOIN turns AS t USING (tenant_id, user_id, session_id, position)
WHERE e.tenant_id = %(tenant_id)s AND e.user_id = %(user_id)s AND e.fact_id = ANY(%(fact_ids)s)
      AND t.removed_at IS NULL
ORDER BY t.occurred_at, e.session_id, e.position, e.quote

-- name: newest_version
-- Read what a correction inherits: the fields of the last fact in the chain of facts that superseded the corrected one.
WITH RECURSIVE chain (fact_id, superseded_by, step) AS (
    SELECT fact_id, superseded_by, 1 FROM facts
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND fact_id = %(fact_id)s
    UNION
    SELECT newer.fact_id, newer.superseded_by, chain.step + 1
    FROM chain
    JOIN facts AS newer
         ON newer.tenant_id = %(tenant_id)s AND newer.user_id = %(user_id)s AND newer.fact_id = chain.superseded_by
    WHERE newer.status <> 'retracted' AND chain.step < 1000
)
SELECT f.category, f.topics, f.subject, f.attribute, f.importance, f.life, f.said_valid_to AS valid_to,
       coalesce(f.valid_from, f.first_said_at, f.said_at) AS valid_from
FROM chain
JOIN facts AS f ON f.tenant_id = %(tenant_id)s AND f.user_id = %(user_id)s AND f.fact_id = chain.fact_id
ORDER BY chain.step DESC
LIMIT 1

-- name: fact
-- Read whether a fact with this id exists, in any status.
SELECT fact_id FROM facts WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND fact_id = %(fact_id)s

-- name: unapplied_edits
-- Read the edits of a user that are archived and not applied.
SELECT t.turn_id, t.metadata
FROM batches AS b
JOIN turns AS t ON t.tenant_id = b.tenant_id AND t.user_id = b.user_id AND t.session_id = b.session_id
                   AND t.position BETWEEN b.first_position AND b.last_position
WHERE b.tenant_id = %(tenant_id)s AND b.user_id = %(user_id)s AND b.session_id = '~edits' AND b.state <> 'applied'

-- name: contradictions
-- Read the pairs of current facts that contradict each other, those found last first.
SELECT k.fact_id, k.other_id, k.found_at
FROM contradictions AS k
WHERE k.tenant_id = %(tenant_id)s AND k.user_id = %(user_id)s AND k.settled_at IS NULL
ORDER BY k.found_at DESC, k.fact_id, k.other_id
LIMIT %(limit)s

-- name: by_id
-- Read current facts by id, in the order in which they were said.
SELECT fact_id, text, category, topics, subject, attribute, value, importance, times_seen, status, is_pinned, origin,
       said_by, valid_from, valid_to, said_at, first_said_at, recorded_at, superseded_at, superseded_by, ended_because, life,
       CASE WHEN is_pinned THEN NULL ELSE fades_at END AS fades_at,
       (SELECT newest_said_at(%(tenant_id)s, %(user_id)s, NULL, NULL)) AS clock
FROM facts
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND fact_id = ANY(%(fact_ids)s) AND status = 'current'
ORDER BY said_at, recorded_at, fact_id
