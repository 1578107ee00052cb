-- Remove a turn. All queries run in the archive's transaction, under the row locks of the user and the session.

-- name: remove_turn
-- Mark a turn as removed; it keeps its row and position. No row is returned if it is unknown or already removed.
UPDATE turns SET removed_at = now()
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s
      AND turn_id = %(turn_id)s AND removed_at IS NULL
RETURNING position

-- name: delete_dead_entry
-- Delete the dead letter of a turn that could not be archived.
DELETE FROM dead_entries
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s AND entry_id = %(turn_id)s

-- name: removed_turns
-- Read which of these turns are removed.
SELECT t.tenant_id, t.user_id, t.session_id, t.turn_id
FROM turns AS t
JOIN unnest(%(tenants)s::text[], %(users)s::text[], %(sessions)s::text[], %(turns)s::text[])
     AS o (tenant_id, user_id, session_id, turn_id)
USING (tenant_id, user_id, session_id, turn_id)
WHERE t.removed_at IS NOT NULL

-- name: bump_version
-- Increment the user's version, so that writers that decided on the older memory decide again.
UPDATE users SET version = version + 1 WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s

-- name: seize_leases
-- Take over the leases on the session's summary and on the batches that contain a turn, also as context. A worker that
-- had such a lease can no longer write. A worker that wants one waits for this transaction and then reads the turns
-- without the removed one.
INSERT INTO leases (tenant_id, user_id, kind, item, token, owner, until, deadline)
SELECT %(tenant_id)s, %(user_id)s, work.kind, work.item, nextval('lease_tokens'), 'removal', now(), now()
FROM (
    SELECT 'batch' AS kind, batch_id::text AS item FROM batches
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s
          AND %(position)s BETWEEN first_position - %(context_turns)s AND last_position
    UNION ALL SELECT 'summary', %(session_id)s
    ORDER BY kind, item
) AS work
ON CONFLICT (tenant_id, user_id, kind, item) DO UPDATE
SET token = EXCLUDED.token, owner = EXCLUDED.owner, until = EXCLUDED.until, deadline = EXCLUDED.deadline
RETURNING token

-- name: delete_leases
-- Delete the leases that were taken over.
DELETE FROM leases
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND token = ANY(%(tokens)s)

-- name: batches
-- Read and lock the batches that contain a turn, also as context, after their leases were taken over.
SELECT tenant_id, user_id, batch_id, session_id, user_seq, first_position, last_position, state, kind, attempts,
       prompt_version, model, embedded_at, verified_at = extracted_at AS is_verified
FROM batches
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s
      AND %(position)s BETWEEN first_position - %(context_turns)s AND last_position
ORDER BY user_seq
FOR NO KEY UPDATE

-- name: delete_answers
-- Delete the stored answers of a batch, because they contain the removed turn.
WITH pieces AS (
    DELETE FROM answer_pieces
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s
)
DELETE FROM answers WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s

-- name: reset_batch
-- Start a batch that is not applied again, at once. A dead batch stays dead, and starts again when it is replayed.
UPDATE batches
SET state = CASE WHEN state = 'dead' THEN 'dead' ELSE 'pending' END, hinted_at = NULL,
    prompt_version = NULL, model = NULL, extracted_at = NULL, embedded_at = NULL
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s AND state <> 'applied'

-- name: delete_vector
-- Delete the vectors of one turn or episode, in every space, and its rows of missing vectors.
WITH missing AS (
    DELETE FROM missing_vectors
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND kind = %(kind)s AND item = %(item)s
)
DELETE FROM vectors
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND kind = %(kind)s AND item = %(item)s

-- name: retract
-- Retract the facts whose own evidence is the turn and no other turn that is still there. A united fact rests on its parts.
UPDATE facts AS f SET status = 'retracted', ended_because = 'removed', superseded_at = COALESCE(f.superseded_at, now())
FROM evidence AS e
WHERE e.tenant_id = %(tenant_id)s AND e.user_id = %(user_id)s AND e.session_id = %(session_id)s
      AND e.position = %(position)s AND NOT e.is_inherited
      AND f.tenant_id = e.tenant_id AND f.user_id = e.user_id AND f.fact_id = e.fact_id AND f.status <> 'retracted'
      AND NOT EXISTS (
          SELECT FROM evidence AS other
          JOIN turns AS t USING (tenant_id, user_id, session_id, position)
          WHERE other.tenant_id = f.tenant_id AND other.user_id = f.user_id AND other.fact_id = f.fact_id
                AND t.removed_at IS NULL AND NOT other.is_inherited
      )
      AND NOT EXISTS (
          SELECT FROM facts AS part
          WHERE part.tenant_id = f.tenant_id AND part.user_id = f.user_id AND part.superseded_by = f.fact_id
                AND part.status = 'superseded' AND part.ended_because = 'united'
      )
RETURNING f.fact_id

-- name: unworded
-- Read the facts that the turn says, that other turns still say, and none of these in the words of the fact: a fact that
-- was said again in poorer words has the words of its first turn. Facts of which no wording is stored are left out.
SELECT f.fact_id
FROM facts AS f
JOIN LATERAL (
    SELECT bool_or(lower(c.text) = lower(f.text)) AS is_worded
    FROM evidence AS e
    JOIN turns AS t USING (tenant_id, user_id, session_id, position)
    JOIN candidates AS c ON c.tenant_id = e.tenant_id AND c.user_id = e.user_id AND c.batch_id = e.batch_id
         AND c.evidence @> jsonb_build_array(jsonb_build_array(e.position, e.quote))
    WHERE e.tenant_id = f.tenant_id AND e.user_id = f.user_id AND e.fact_id = f.fact_id AND NOT e.is_inherited
          AND t.removed_at IS NULL
) AS said ON NOT said.is_worded
WHERE f.tenant_id = %(tenant_id)s AND f.user_id = %(user_id)s AND f.status <> 'retracted' AND f.origin <> 'person'
      AND f.fact_id IN (
          SELECT fact_id FROM evidence
          WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s
                AND position = %(position)s AND NOT is_inherited
      )
      AND NOT EXISTS (
          SELECT FROM facts AS part
          WHERE part.tenant_id = f.tenant_id AND part.user_id = f.user_id AND part.superseded_by = f.fact_id
                AND part.status = 'superseded' AND part.ended_because = 'united'
      )

-- name: wordings
-- Read in which words remaining turns say facts that fall: the candidates that repeated them. `holder_id` is a fact with
-- these words that lives on in the fact that falls.
SELECT DISTINCT f.fact_id, c.batch_id, c.candidate_index, c.fact_id AS candidate_id, c.text, c.said_at, (
    SELECT o.fact_id FROM facts AS o
    WHERE o.tenant_id = f.tenant_id AND o.user_id = f.user_id AND o.superseded_by = f.fact_id
          AND o.status = 'superseded' AND lower(o.text) = lower(c.text)
    ORDER BY o.fact_id LIMIT 1
) AS holder_id
FROM facts AS f
JOIN evidence AS e ON e.tenant_id = f.tenant_id AND e.user_id = f.user_id AND e.fact_id = f.fact_id AND NOT e.is_inherited
JOIN turns AS t ON t.tenant_id = e.tenant_id AND t.user_id = e.user_id AND t.session_id = e.session_id
     AND t.position = e.position AND t.removed_at IS NULL
JOIN candidates AS c ON c.tenant_id = e.tenant_id AND c.user_id = e.user_id AND c.batch_id = e.batch_id
     AND c.evidence @> jsonb_build_array(jsonb_build_array(e.position, e.quote))
WHERE f.tenant_id = %(tenant_id)s AND f.user_id = %(user_id)s AND f.fact_id = ANY(%(fact_ids)s) AND f.status <> 'retracted'
ORDER BY c.said_at, c.fact_id

-- name: add_wording
-- Add what a candidate says in place of the fact that it repeated: current or superseded like that one.
INSERT INTO facts (
    tenant_id, user_id, fact_id, batch_id, session_id, text, category, topics, subject, attribute, value, importance,
    status, superseded_by, superseded_at, ended_because, said_by, is_pinned, is_by_rules, valid_from, valid_to,
    said_valid_to, said_at, life, stems
)
SELECT f.tenant_id, f.user_id, %(new_id)s, c.batch_id, b.session_id, c.text, c.category, c.topics, c.subject, c.attribute,
       c.value, c.importance, f.status, f.superseded_by, f.superseded_at, f.ended_because, c.said_by, f.is_pinned,
       f.is_by_rules, c.valid_from,
       CASE WHEN f.status = 'current' THEN c.valid_to ELSE coalesce(c.valid_to, f.valid_to) END, c.valid_to, c.said_at,
       c.life, stem_codes(%(words)s, %(configuration)s::text::regconfig) || %(pieces)s::bytea
FROM facts AS f
JOIN candidates AS c ON c.tenant_id = f.tenant_id AND c.user_id = f.user_id AND c.batch_id = %(batch_id)s
     AND c.candidate_index = %(candidate_index)s
JOIN batches AS b ON b.tenant_id = c.tenant_id AND b.user_id = c.user_id AND b.batch_id = c.batch_id
WHERE f.tenant_id = %(tenant_id)s AND f.user_id = %(user_id)s AND f.fact_id = %(fact_id)s
ON CONFLICT DO NOTHING

-- name: add_wording_evidence
-- Give the evidence of a candidate to the fact that has its words now.
INSERT INTO evidence (tenant_id, user_id, fact_id, session_id, position, quote, batch_id)
SELECT e.tenant_id, e.user_id, %(new_id)s, e.session_id, e.position, e.quote, e.batch_id
FROM evidence AS e
JOIN turns AS t USING (tenant_id, user_id, session_id, position)
JOIN candidates AS c ON c.tenant_id = e.tenant_id AND c.user_id = e.user_id AND c.batch_id = e.batch_id
     AND c.candidate_index = %(candidate_index)s
     AND c.evidence @> jsonb_build_array(jsonb_build_array(e.position, e.quote))
WHERE e.tenant_id = %(tenant_id)s AND e.user_id = %(user_id)s AND e.fact_id = %(fact_id)s AND e.batch_id = %(batch_id)s
      AND NOT e.is_inherited AND t.removed_at IS NULL
ON CONFLICT DO NOTHING

-- name: restore_own_values
-- Let facts forget what they have from facts that were retracted: the date and the value of a poorer wording whose place
-- they took. What the candidate says itself stays, and what other facts gave.
UPDATE facts AS w SET
    valid_from = coalesce(c.valid_from, given.valid_from),
    subject = CASE WHEN c.value IS NULL AND given.value IS NOT NULL THEN given.subject ELSE c.subject END,
    attribute = CASE WHEN c.value IS NULL AND given.value IS NOT NULL THEN given.attribute ELSE c.attribute END,
    value = coalesce(c.value, given.value)
FROM candidates AS c, LATERAL (
    SELECT min(CASE WHEN p.ended_because = 'correction' THEN coalesce(p.valid_from, p.first_said_at, p.said_at)
                    ELSE p.valid_from END) AS valid_from,
           (array_agg(p.subject ORDER BY p.said_at) FILTER (WHERE p.value IS NOT NULL))[1] AS subject,
           (array_agg(p.attribute ORDER BY p.said_at) FILTER (WHERE p.value IS NOT NULL))[1] AS attribute,
           (array_agg(p.value ORDER BY p.said_at) FILTER (WHERE p.value IS NOT NULL))[1] AS value
    FROM facts AS p
    WHERE p.tenant_id = c.tenant_id AND p.user_id = c.user_id AND p.superseded_by = c.fact_id AND p.status = 'superseded'
          AND p.ended_because IN ('merged', 'refined', 'correction')
) AS given
WHERE w.tenant_id = %(tenant_id)s AND w.user_id = %(user_id)s AND w.status <> 'retracted' AND w.origin <> 'person'
      AND c.tenant_id = w.tenant_id AND c.user_id = w.user_id AND c.batch_id = w.batch_id AND c.fact_id = w.fact_id
      AND w.fact_id IN (
          SELECT superseded_by FROM facts
          WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND fact_id = ANY(%(fact_ids)s)
      )
RETURNING w.fact_id

-- name: existing
-- Read which of these facts exist.
SELECT fact_id FROM facts
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND fact_id = ANY(%(fact_ids)s)

-- name: move_thread_steps
-- Let the steps of threads that rest on a fact rest on its new version.
UPDATE thread_facts SET fact_id = %(new_id)s
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND fact_id = %(fact_id)s

-- name: parts
-- Read the parts of united facts that have evidence in the turn, and the parts of the facts that those are a part of.
WITH RECURSIVE part (fact_id, superseded_by) AS (
    SELECT f.fact_id, f.superseded_by
    FROM evidence AS e
    JOIN facts AS f ON f.tenant_id = e.tenant_id AND f.user_id = e.user_id AND f.fact_id = e.fact_id
    WHERE e.tenant_id = %(tenant_id)s AND e.user_id = %(user_id)s AND e.session_id = %(session_id)s
          AND e.position = %(position)s AND f.status = 'superseded' AND f.ended_because = 'united'
    UNION
    SELECT f.fact_id, f.superseded_by
    FROM part
    JOIN facts AS f ON f.tenant_id = %(tenant_id)s AND f.user_id = %(user_id)s AND f.fact_id = part.superseded_by
    WHERE f.status = 'superseded' AND f.ended_because = 'united'
)
SELECT fact_id, superseded_by FROM part

-- name: retract_fallen
-- Retract facts of whose text a part is retracted, or whose words no turn says any more.
UPDATE facts SET status = 'retracted', ended_because = 'removed', superseded_at = COALESCE(superseded_at, now())
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND fact_id = ANY(%(fact_ids)s) AND status <> 'retracted'

-- name: recount
-- Compute the mentions of the facts that have further evidence again: the number of batches, the speaker, and the times.
UPDATE facts AS f SET times_seen = rest.times_seen, said_at = rest.said_at, first_said_at = rest.first_said_at,
    said_by = CASE WHEN f.origin = 'person' THEN f.said_by ELSE rest.said_by END
FROM (
    SELECT e.fact_id, count(DISTINCT e.batch_id) AS times_seen, max(t.occurred_at) AS said_at,
           min(t.occurred_at) AS first_said_at,
           CASE WHEN bool_or(t.role IN ('user', 'exchange')) THEN 'user'
                WHEN bool_or(t.role = 'assistant') THEN 'assistant' ELSE 'other' END AS said_by
    FROM evidence AS e
    JOIN turns AS t USING (tenant_id, user_id, session_id, position)
    WHERE e.tenant_id = %(tenant_id)s AND e.user_id = %(user_id)s AND t.removed_at IS NULL
          AND (e.fact_id = ANY(%(reworded)s) OR e.fact_id IN (
              SELECT fact_id FROM evidence
              WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s
                    AND position = %(position)s
          ))
    GROUP BY e.fact_id
) AS rest
WHERE f.tenant_id = %(tenant_id)s AND f.user_id = %(user_id)s AND f.fact_id = rest.fact_id AND f.status <> 'retracted'
RETURNING f.fact_id

-- name: detached_facts
-- Read the superseded facts whose superseding fact was retracted, or is no longer the later one of the two; each with the
-- next fact of the chain that is not retracted, if there is one.
WITH RECURSIVE chain (superseder_id, next_id) AS (
    SELECT fact_id, superseded_by FROM facts
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND fact_id = ANY(%(superseders)s)
    UNION
    SELECT chain.superseder_id, f.superseded_by
    FROM chain
    JOIN facts AS f ON f.tenant_id = %(tenant_id)s AND f.user_id = %(user_id)s AND f.fact_id = chain.next_id
    WHERE f.status = 'retracted'
)
SELECT o.fact_id, o.superseded_by, o.subject, o.attribute, o.life, o.said_at, o.said_valid_to IS NOT NULL AS is_over,
       o.ended_because IN ('refined', 'united') AS is_part,
       successor.fact_id AS successor_id
FROM facts AS o
JOIN facts AS r ON r.tenant_id = o.tenant_id AND r.user_id = o.user_id AND r.fact_id = o.superseded_by
LEFT JOIN (
    chain JOIN facts AS successor
          ON successor.tenant_id = %(tenant_id)s AND successor.user_id = %(user_id)s
             AND successor.fact_id = chain.next_id AND successor.status <> 'retracted'
) ON chain.superseder_id = r.fact_id
WHERE o.tenant_id = %(tenant_id)s AND o.user_id = %(user_id)s AND o.status = 'superseded'
      AND o.superseded_by = ANY(%(superseders)s)
      AND (
          r.status = 'retracted' OR (o.said_at > r.said_at AND o.ended_because = 'newer_value')
          -- What was said again, and settled a contradiction, was removed.
          OR o.ended_because = 'settled' AND EXISTS (
              SELECT FROM contradictions AS k
              WHERE k.tenant_id = o.tenant_id AND k.user_id = o.user_id AND r.said_at <= k.said_at
                    AND k.fact_id = least(o.fact_id, r.fact_id) AND k.other_id = greatest(o.fact_id, r.fact_id)
          )
      )
ORDER BY o.said_at, o.fact_id

-- name: competing_facts
-- Read the current facts with one of these attributes that do not say that they have ended.
SELECT fact_id, subject, attribute, life, said_at FROM facts
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND status = 'current'
      AND attribute = ANY(%(attributes)s) AND said_valid_to IS NULL

-- name: relink
-- Let a fact supersede others. In the world they end when it begins. What lived on in a fact that is gone is no part of the
-- next one.
UPDATE facts AS o
SET status = 'superseded', superseded_by = n.fact_id, superseded_at = COALESCE(o.superseded_at, now()),
    ended_because = CASE WHEN o.ended_because IN ('merged', 'refined', 'united') THEN 'judged'
                         ELSE COALESCE(o.ended_because, 'newer_value') END,
    valid_to = COALESCE(o.said_valid_to, n.valid_from, n.said_at)
FROM facts AS n
WHERE n.tenant_id = %(tenant_id)s AND n.user_id = %(user_id)s AND n.fact_id = %(superseded_by)s
      AND o.tenant_id = n.tenant_id AND o.user_id = n.user_id AND o.fact_id = ANY(%(fact_ids)s)

-- name: reinstate
-- Insert a new, current version of a superseded fact. The old row stays, so that `as_of` still finds what was current.
INSERT INTO facts (
    tenant_id, user_id, fact_id, batch_id, session_id, text, category, topics, subject, attribute, value, importance,
    times_seen, origin, said_by, is_pinned, is_by_rules, valid_from, valid_to, said_valid_to, said_at, first_said_at,
    life, fades_at, stems
)
SELECT tenant_id, user_id, %(new_id)s, batch_id, session_id, text, category, topics, subject, attribute, value,
       importance, times_seen, origin, said_by, is_pinned, is_by_rules, valid_from, said_valid_to, said_valid_to,
       said_at, first_said_at, life, fades_at, stems
FROM facts
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND fact_id = %(fact_id)s

-- name: copy_evidence
-- Copy the evidence of the old version, without removed turns.
INSERT INTO evidence (tenant_id, user_id, fact_id, session_id, position, quote, batch_id, is_inherited)
SELECT e.tenant_id, e.user_id, %(new_id)s, e.session_id, e.position, e.quote, e.batch_id, e.is_inherited
FROM evidence AS e
JOIN turns AS t USING (tenant_id, user_id, session_id, position)
WHERE e.tenant_id = %(tenant_id)s AND e.user_id = %(user_id)s AND e.fact_id = %(fact_id)s AND t.removed_at IS NULL

-- name: copy_vectors
-- Copy the vectors of the old version, which has the same text.
INSERT INTO vectors (tenant_id, user_id, space_id, kind, item, embedding)
SELECT tenant_id, user_id, space_id, kind, %(new_id)s::uuid::text, embedding FROM vectors
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND kind = 'fact' AND item = %(fact_id)s::uuid::text
ON CONFLICT DO NOTHING

-- name: move_superseded
-- Let the new version supersede the facts that the old version had superseded.
UPDATE facts SET superseded_by = %(new_id)s
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND superseded_by = %(fact_id)s

-- name: texts_of_batch
-- Read the texts of a batch's facts that are not retracted, in the order in which they were said.
SELECT f.text
FROM evidence AS e
JOIN facts AS f ON f.tenant_id = e.tenant_id AND f.user_id = e.user_id AND f.fact_id = e.fact_id
JOIN turns AS t
     ON t.tenant_id = e.tenant_id AND t.user_id = e.user_id AND t.session_id = e.session_id AND t.position = e.position
WHERE e.tenant_id = %(tenant_id)s AND e.user_id = %(user_id)s AND e.batch_id = %(batch_id)s
      AND f.status <> 'retracted' AND t.removed_at IS NULL
GROUP BY f.text
ORDER BY min(e.position), max(f.importance) DESC, f.text

-- name: delete_episode
-- Delete the episode of a batch whose facts are all retracted.
DELETE FROM episodes WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s

-- name: rewrite_episode
-- Rewrite the episode from the remaining facts. If the batch has no episode, none is inserted.
UPDATE episodes AS e
SET title = %(title)s, summary = %(summary)s, outcome = 'none',
    stems = stem_codes(%(words)s, %(configuration)s::text::regconfig) || %(pieces)s::bytea,
    started_at = said.first, ended_at = said.last
FROM (
    SELECT min(occurred_at) AS first, max(occurred_at) AS last FROM turns
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND session_id = %(session_id)s
          AND position BETWEEN %(first_position)s AND %(last_position)s AND removed_at IS NULL
) AS said
WHERE e.tenant_id = %(tenant_id)s AND e.user_id = %(user_id)s AND e.batch_id = %(batch_id)s
