-- name: comparable
-- Read the facts that a batch's candidates may repeat or supersede by rule: current facts with the same text or a related
-- attribute, superseded facts with the same text, former values of the attributes, and challenges: facts with the same
-- text that contradict a current fact which a person entered or pinned. Facts with the same text that were merged, refined
-- or united are read together with the current fact in which they live on.
SELECT f.fact_id, f.text, f.category, f.subject, f.attribute, f.value, f.life, f.said_at, f.first_said_at,
       f.valid_from, f.said_valid_to, f.status = 'current' AS is_current, f.origin = 'person' OR f.is_pinned AS is_protected,
       newer.said_at AS replaced_at, coalesce(f.ended_because, '') = 'challenge' AS is_challenge,
       CASE WHEN f.ended_because IN ('merged', 'refined', 'united') THEN f.superseded_by END AS lives_on_in
FROM facts AS f
-- LATERAL with LIMIT: as a join, before the tables are analyzed, Postgres would read all facts for each fact.
LEFT JOIN LATERAL (
    SELECT n.said_at, n.status, n.origin, n.is_pinned FROM facts AS n
    WHERE f.superseded_by IS NOT NULL
          AND n.tenant_id = f.tenant_id AND n.user_id = f.user_id AND n.fact_id = f.superseded_by
    LIMIT 1
) AS newer ON true
WHERE f.tenant_id = %(tenant_id)s AND f.user_id = %(user_id)s
      AND (
          f.status = 'current' AND (f.attribute = ANY(%(attributes)s) OR lower(f.text) = ANY(%(texts)s))
          OR f.status = 'superseded' AND f.ended_because = 'newer_value'
             AND (f.attribute = ANY(%(single_valued)s) OR lower(f.text) = ANY(%(texts)s))
          OR f.status = 'superseded' AND f.ended_because IN ('judged', 'ended') AND lower(f.text) = ANY(%(texts)s)
          OR f.status = 'superseded' AND f.ended_because IN ('merged', 'refined', 'united') AND newer.status = 'current'
             AND lower(f.text) = ANY(%(texts)s)
          OR f.status = 'current' AND EXISTS (
              SELECT FROM facts AS p
              WHERE p.tenant_id = f.tenant_id AND p.user_id = f.user_id AND p.superseded_by = f.fact_id
                    AND p.ended_because IN ('merged', 'refined', 'united') AND lower(p.text) = ANY(%(texts)s)
          )
          OR f.status = 'superseded' AND f.ended_because = 'challenge' AND newer.status = 'current'
             AND (newer.origin = 'person' OR newer.is_pinned) AND lower(f.text) = ANY(%(texts)s)
      )
ORDER BY f.recorded_at, f.fact_id

-- name: by_id
-- Read current facts by id.
SELECT fact_id, text, category, subject, attribute, value, life, said_at, first_said_at, valid_from, said_valid_to,
       true AS is_current, origin = 'person' OR is_pinned AS is_protected
FROM facts
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND status = 'current' AND fact_id = ANY(%(fact_ids)s)

-- name: texts_by_id
-- Read the texts of current facts by id, and when they were said.
SELECT fact_id, text, said_at FROM facts
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND status = 'current' AND fact_id = ANY(%(fact_ids)s)

-- name: current_of
-- Read the current facts that some facts are, or were merged into, each with the id of the fact that was asked for.
WITH RECURSIVE asked AS (
    SELECT f.fact_id AS asked_id, f.fact_id, f.status, f.superseded_by, f.ended_because, 1 AS steps FROM facts AS f
    WHERE f.tenant_id = %(tenant_id)s AND f.user_id = %(user_id)s AND f.fact_id = ANY(%(fact_ids)s)
    UNION ALL
    SELECT asked.asked_id, f.fact_id, f.status, f.superseded_by, f.ended_because, asked.steps + 1
    FROM asked JOIN facts AS f ON f.fact_id = asked.superseded_by
    WHERE f.tenant_id = %(tenant_id)s AND f.user_id = %(user_id)s
          AND asked.status = 'superseded' AND asked.ended_because IN ('merged', 'refined', 'united') AND asked.steps < 20
)
SELECT asked.asked_id, f.fact_id, f.text, f.category, f.subject, f.attribute, f.value, f.life, f.said_at, f.first_said_at,
       f.valid_from, f.said_valid_to, true AS is_current, f.origin = 'person' OR f.is_pinned AS is_protected
FROM asked JOIN facts AS f USING (fact_id)
WHERE f.tenant_id = %(tenant_id)s AND f.user_id = %(user_id)s AND f.status = 'current'

-- name: current_stems
-- Read the ids and the stems of the user's current facts, in one row.
SELECT array_agg(f.fact_id::text) AS items,
       string_agg(int4send(length(f.stems) / 4), ''::bytea) AS lengths, string_agg(f.stems, ''::bytea) AS stems
FROM (
    SELECT fact_id, stems FROM facts
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND status = 'current'
    ORDER BY fact_id
) AS f

-- name: stems_of_texts
-- Read the stems of texts, in their order.
SELECT stem_codes(given.words, given.configuration::regconfig) || given.pieces AS stems
FROM unnest(%(words)s::text[], %(configurations)s::text[], %(pieces)s::bytea[])
     WITH ORDINALITY AS given (words, configuration, pieces, place)
ORDER BY given.place

-- name: own_vectors
-- Read the vectors of facts or candidates in the serving space.
SELECT v.item, halfvec_send(v.embedding) AS embedding
FROM vectors AS v
WHERE v.tenant_id = %(tenant_id)s AND v.user_id = %(user_id)s AND v.kind = 'fact' AND v.item = ANY(%(items)s)
      AND v.space_id = (SELECT space_id FROM embedding_spaces WHERE state = 'serving')
ORDER BY array_position(%(items)s, v.item)

-- name: vector_page
-- Read the next vectors of the user's facts and candidates in the serving space, in one row. They are not joined with the
-- facts: before the tables are analyzed, Postgres would read all facts for each vector.
SELECT array_agg(page.item) AS items, string_agg(halfvec_send(page.embedding), ''::bytea) AS embeddings
FROM (
    SELECT v.item, v.embedding FROM vectors AS v
    WHERE v.tenant_id = %(tenant_id)s AND v.user_id = %(user_id)s AND v.kind = 'fact' AND v.item > %(after)s
          AND v.space_id = (SELECT space_id FROM embedding_spaces WHERE state = 'serving')
    ORDER BY v.item
    LIMIT %(limit)s
) AS page

-- name: memory_state
-- Read, in one snapshot, what a batch's plan begins with: the version of the user's memory, the user's name, the number of
-- current facts, whether an earlier batch is open, the facts that extraction was shown, and the facts with the attribute
-- `name` like the query `names`.
SELECT u.version, u.display_name,
       (SELECT count(*) FROM facts AS f
        WHERE f.tenant_id = u.tenant_id AND f.user_id = u.user_id AND f.status = 'current') AS facts,
       EXISTS (
           SELECT FROM batches AS b
           WHERE b.tenant_id = u.tenant_id AND b.user_id = u.user_id AND b.user_seq < %(user_seq)s
                 AND b.state IN ('pending', 'extracted')
       ) AS is_blocked,
       ARRAY(
           SELECT unnest(a.known_ids) FROM answers AS a
           WHERE a.tenant_id = u.tenant_id AND a.user_id = u.user_id AND a.batch_id = %(batch_id)s
                 AND a.prompt_version = %(prompt_version)s AND a.model = %(model)s
           UNION
           SELECT unnest(p.known_ids) FROM answer_pieces AS p
           WHERE p.tenant_id = u.tenant_id AND p.user_id = u.user_id AND p.batch_id = %(batch_id)s
                 AND p.prompt_version = %(prompt_version)s AND p.model = %(model)s
       ) AS shown_ids,
       (SELECT json_agg(
                   json_build_object('text', n.text, 'subject', n.subject, 'value', n.value, 'said_by', n.said_by)
                   ORDER BY n.said_at, n.recorded_at, n.fact_id
               )
        FROM facts AS n
        WHERE n.tenant_id = u.tenant_id AND n.user_id = u.user_id AND n.attribute = 'name' AND n.status <> 'retracted'
       ) AS names
FROM users AS u WHERE u.tenant_id = %(tenant_id)s AND u.user_id = %(user_id)s

-- name: bump_version
-- Lock the user's row and increment its version. Returns no row if the memory has changed since it was read.
UPDATE users SET version = version + 1
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND version = %(version)s
RETURNING version

-- name: add_facts
-- Add facts in one statement. Each is current, or superseded already by a newer fact.
INSERT INTO facts (
    tenant_id, user_id, batch_id, session_id, fact_id, text, category, topics, subject, attribute, value, importance,
    status, superseded_by, superseded_at, ended_because, origin, said_by, is_pinned, is_by_rules, valid_from, valid_to,
    said_valid_to, said_at, life, fades_at, stems
)
SELECT %(tenant_id)s, %(user_id)s, %(batch_id)s, %(session_id)s, f.fact_id, f.text, f.category, f.topics, f.subject,
       f.attribute, f.value, f.importance,
       CASE WHEN f.superseded_by IS NULL THEN 'current' ELSE 'superseded' END,
       f.superseded_by, CASE WHEN f.superseded_by IS NULL THEN NULL ELSE now() END, f.ended_because,
       f.origin, f.said_by, %(is_pinned)s, %(is_by_rules)s, f.valid_from, f.valid_to, f.said_valid_to, f.said_at,
       f.life, f.fades_at, stem_codes(f.words, f.configuration::regconfig) || decode(f.pieces, 'hex')
FROM json_to_recordset(%(facts)s::json) AS f (
    fact_id uuid, text text, category text, topics text[], subject text, attribute text, value text,
    importance double precision, superseded_by uuid, ended_because text, origin text, said_by text,
    valid_from timestamptz, valid_to timestamptz, said_valid_to timestamptz, said_at timestamptz,
    life text, fades_at timestamptz, words text, configuration text, pieces text
)

-- name: add_evidence
-- Add the evidence of facts, in one statement.
INSERT INTO evidence (tenant_id, user_id, batch_id, session_id, fact_id, position, quote)
SELECT %(tenant_id)s, %(user_id)s, %(batch_id)s, %(session_id)s, e.fact_id, e.position, e.quote
FROM unnest(%(fact_ids)s::uuid[], %(positions)s::bigint[], %(quotes)s::text[]) AS e (fact_id, position, quote)
ON CONFLICT DO NOTHING

-- name: repeat
-- Update a fact that was said again. If a person entered the repetition, the fact counts as entered by a person.
UPDATE facts SET
    times_seen = times_seen + 1,
    first_said_at = LEAST(first_said_at, said_at, %(said_at)s),
    said_at = GREATEST(said_at, %(said_at)s),
    origin = CASE WHEN %(origin)s = 'person' THEN 'person' ELSE origin END,
    said_by = CASE WHEN 'user' IN (said_by, %(said_by)s) THEN 'user'
                   WHEN 'assistant' IN (said_by, %(said_by)s) THEN 'assistant' ELSE said_by END,
    is_pinned = is_pinned OR %(is_pinned)s,
    is_by_rules = is_by_rules AND %(is_by_rules)s
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND fact_id = %(fact_id)s

-- name: supersede
-- Mark a fact as superseded, valid until the time since which the superseding fact holds. A fact that is superseded
-- already changes its successor only to one that holds since an earlier time.
UPDATE facts SET
    status = 'superseded',
    superseded_by = CASE WHEN valid_to < %(valid_to)s THEN COALESCE(superseded_by, %(superseded_by)s)
                         ELSE %(superseded_by)s END,
    superseded_at = COALESCE(superseded_at, now()),
    ended_because = COALESCE(ended_because, %(because)s),
    valid_to = COALESCE(CASE WHEN life = 'plan' THEN NULL ELSE said_valid_to END, LEAST(valid_to, %(valid_to)s))
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND fact_id = %(fact_id)s AND status <> 'retracted'

-- name: times_of_facts
-- Read what the lives of facts depend on.
SELECT fact_id, category, attribute, origin, life, fades_at, valid_from, said_valid_to, said_at, first_said_at
FROM facts
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND fact_id = ANY(%(fact_ids)s)

-- name: set_lives
-- Set the lives of facts, and when they leave default reads.
UPDATE facts AS f SET life = given.life, fades_at = given.fades_at
FROM unnest(%(fact_ids)s::uuid[], %(lives)s::text[], %(fade_times)s::timestamptz[]) AS given (fact_id, life, fades_at)
WHERE f.tenant_id = %(tenant_id)s AND f.user_id = %(user_id)s AND f.fact_id = given.fact_id

-- name: pin
-- Pin or unpin a fact for a person.
UPDATE facts SET is_pinned = %(is_pinned)s
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND fact_id = %(fact_id)s AND status <> 'retracted'
RETURNING fact_id

-- name: delete
-- Retract a fact that a person deletes. The facts that it superseded stay superseded.
UPDATE facts SET status = 'retracted', ended_because = 'deleted', superseded_at = COALESCE(superseded_at, now())
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND fact_id = %(fact_id)s AND status <> 'retracted'
RETURNING fact_id

-- name: current_successor
-- Read the current fact that directly or indirectly superseded a fact; the fact itself if it is current. A challenge of
-- a person's fact counts as current if it is to be deleted.
WITH RECURSIVE chain (fact_id, superseded_by, status) AS (
    SELECT fact_id, superseded_by,
           CASE WHEN ended_because = 'challenge' AND %(is_deletion)s THEN 'current' ELSE status END
    FROM facts
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND fact_id = %(fact_id)s
    UNION
    SELECT f.fact_id, f.superseded_by, f.status
    FROM chain
    JOIN facts AS f ON f.tenant_id = %(tenant_id)s AND f.user_id = %(user_id)s AND f.fact_id = chain.superseded_by
)
SELECT fact_id FROM chain WHERE status = 'current' ORDER BY fact_id <> %(fact_id)s LIMIT 1

-- name: add_episode
-- Add the episode of a batch: what happened in it.
INSERT INTO episodes (
    tenant_id, user_id, batch_id, session_id, user_seq, title, summary, outcome, participants, started_at,
    ended_at, stems
) VALUES (
    %(tenant_id)s, %(user_id)s, %(batch_id)s, %(session_id)s, %(user_seq)s, %(title)s, %(summary)s, %(outcome)s,
    %(participants)s, %(started_at)s, %(ended_at)s,
    stem_codes(%(words)s, %(configuration)s::text::regconfig) || %(pieces)s::bytea
)

-- name: add_rejection
-- Add a rejection.
INSERT INTO rejections (tenant_id, user_id, batch_id, candidate_index, reason)
VALUES (%(tenant_id)s, %(user_id)s, %(batch_id)s, %(candidate_index)s, %(reason)s)
ON CONFLICT DO NOTHING

-- name: set_display_name
-- Set the user's display name.
UPDATE users SET display_name = %(display_name)s
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND display_name IS DISTINCT FROM %(display_name)s

-- name: restore_display_name
-- Replace a display name that comes from one of these retracted facts by another one, or by null.
UPDATE users SET display_name = %(display_name)s
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND display_name IN (
    SELECT value FROM facts
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND fact_id = ANY(%(retracted)s) AND attribute = 'name'
)

-- name: names
-- Read the facts with the attribute `name`, current and superseded, in the order of their times.
SELECT text, subject, value, said_by, status = 'current' AS is_current FROM facts
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND attribute = 'name' AND status <> 'retracted'
ORDER BY said_at, recorded_at, fact_id

-- name: timezones
-- Read the facts with the attribute `timezone`, of any status: those of persons first, then the newest first.
SELECT f.subject, f.value, f.status = 'current' AS is_current, u.display_name
FROM facts AS f JOIN users AS u USING (tenant_id, user_id)
WHERE f.tenant_id = %(tenant_id)s AND f.user_id = %(user_id)s AND f.attribute = 'timezone' AND f.value IS NOT NULL
ORDER BY f.origin = 'person' DESC, f.said_at DESC, f.fact_id

-- name: set_timezone
-- Set the user's timezone.
UPDATE users SET timezone = %(timezone)s
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND timezone IS DISTINCT FROM %(timezone)s

-- name: inherit_pin
-- Pin a correction if the corrected fact is pinned.
UPDATE facts AS f SET is_pinned = old.is_pinned
FROM facts AS old
WHERE old.tenant_id = %(tenant_id)s AND old.user_id = %(user_id)s AND old.fact_id = %(fact_id)s
      AND f.tenant_id = old.tenant_id AND f.user_id = old.user_id AND f.fact_id = %(superseded_by)s

-- name: merge_evidence
-- Copy the evidence of a merged fact to the fact that stays.
INSERT INTO evidence (tenant_id, user_id, fact_id, session_id, position, quote, batch_id)
SELECT tenant_id, user_id, %(superseded_by)s, session_id, position, quote, batch_id FROM evidence
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND fact_id = %(fact_id)s
ON CONFLICT DO NOTHING

-- name: merge_dates
-- Add the mentions and times of a merged fact to the fact that stays.
UPDATE facts AS kept SET
    times_seen = kept.times_seen + gone.times_seen,
    first_said_at = LEAST(kept.first_said_at, kept.said_at, gone.first_said_at, gone.said_at),
    said_at = GREATEST(kept.said_at, gone.said_at),
    said_by = CASE WHEN 'user' IN (kept.said_by, gone.said_by) THEN 'user'
                   WHEN 'assistant' IN (kept.said_by, gone.said_by) THEN 'assistant' ELSE kept.said_by END,
    valid_from = COALESCE(kept.valid_from, gone.valid_from),
    importance = GREATEST(kept.importance, gone.importance)
FROM facts AS gone
WHERE gone.tenant_id = %(tenant_id)s AND gone.user_id = %(user_id)s AND gone.fact_id = %(fact_id)s
      AND kept.tenant_id = gone.tenant_id AND kept.user_id = gone.user_id AND kept.fact_id = %(superseded_by)s

-- name: inherit_evidence
-- Copy the evidence of a fact to the one that refines it, or that is made of it. That one does not rest on it.
INSERT INTO evidence (tenant_id, user_id, fact_id, session_id, position, quote, batch_id, is_inherited)
SELECT tenant_id, user_id, %(superseded_by)s, session_id, position, quote, batch_id, true FROM evidence
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND fact_id = %(fact_id)s
ON CONFLICT DO NOTHING

-- name: add_united
-- Add a fact that is made of two: the newer one's properties where it has them, and the dates and mentions of both.
INSERT INTO facts (
    tenant_id, user_id, fact_id, batch_id, session_id, text, category, topics, subject, attribute, value, importance,
    times_seen, origin, said_by, is_by_rules, valid_from, valid_to, said_valid_to, said_at, first_said_at, life, stems
)
SELECT n.tenant_id, n.user_id, %(united_id)s, n.batch_id, n.session_id, %(text)s,
       CASE WHEN n.category = 'other' THEN k.category ELSE n.category END,
       ARRAY(SELECT DISTINCT topic FROM unnest(n.topics || k.topics) AS topic ORDER BY topic LIMIT 20),
       CASE WHEN n.value IS NULL THEN k.subject ELSE n.subject END,
       CASE WHEN n.value IS NULL THEN k.attribute ELSE n.attribute END, COALESCE(n.value, k.value),
       GREATEST(n.importance, k.importance), n.times_seen + k.times_seen, 'extracted',
       CASE WHEN 'user' IN (n.said_by, k.said_by) THEN 'user'
            WHEN 'assistant' IN (n.said_by, k.said_by) THEN 'assistant' ELSE n.said_by END,
       n.is_by_rules AND k.is_by_rules, COALESCE(n.valid_from, k.valid_from), COALESCE(n.said_valid_to, k.said_valid_to),
       COALESCE(n.said_valid_to, k.said_valid_to), GREATEST(n.said_at, k.said_at),
       LEAST(n.first_said_at, n.said_at, k.first_said_at, k.said_at), COALESCE(n.life, k.life),
       stem_codes(%(words)s, %(configuration)s::text::regconfig) || %(pieces)s::bytea
FROM facts AS n
JOIN facts AS k ON k.tenant_id = n.tenant_id AND k.user_id = n.user_id AND k.fact_id = %(known_id)s
WHERE n.tenant_id = %(tenant_id)s AND n.user_id = %(user_id)s AND n.fact_id = %(new_id)s
ON CONFLICT DO NOTHING

-- name: add_united_vectors
-- Give a fact that is made of others the middle of their vectors, in each space in use that has all of them. It is near to
-- each, and is replaced when the text is embedded.
INSERT INTO vectors (tenant_id, user_id, space_id, kind, item, embedding)
SELECT v.tenant_id, v.user_id, v.space_id, 'fact', %(united_id)s::uuid::text, l2_normalize(avg(v.embedding))
FROM vectors AS v JOIN embedding_spaces AS s USING (space_id)
WHERE v.tenant_id = %(tenant_id)s AND v.user_id = %(user_id)s AND v.kind = 'fact' AND v.item = ANY(%(parts)s)
      AND s.state <> 'retired'
GROUP BY v.tenant_id, v.user_id, v.space_id
HAVING count(*) = cardinality(%(parts)s::text[])
ON CONFLICT DO NOTHING

-- name: end_part
-- Mark a fact as a part of another one.
UPDATE facts SET status = 'superseded', superseded_by = %(superseded_by)s, superseded_at = COALESCE(superseded_at, now()),
    ended_because = 'united'
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND fact_id = %(fact_id)s AND status <> 'retracted'
