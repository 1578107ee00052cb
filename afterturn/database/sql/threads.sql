-- Threads: the dated development of one matter, derived from facts (docs/explanation/decisions/053).

-- name: matter_facts
-- Read the facts that a matter can consist of, the last said ones: current facts, and superseded ones that were true
-- earlier. A fact that another one contains is left out, and so are an instruction and an attitude, which do not develop.
-- What has faded is no present state.
WITH clock AS MATERIALIZED (SELECT newest_said_at(%(tenant_id)s, %(user_id)s, NULL, NULL) AS now)
SELECT fact_id, text, subject, attribute, coalesce(valid_from, first_said_at, said_at) AS since, said_at, superseded_by,
       status = 'current' AND (valid_to IS NULL OR valid_to > now())
       AND (fades_at IS NULL OR is_pinned OR fades_at > clock.now) AS is_current, stems
FROM facts CROSS JOIN clock
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND category <> 'instruction' AND life IS DISTINCT FROM 'attitude'
      AND (status = 'current'
           OR status = 'superseded' AND coalesce(ended_because, '') <> ALL(%(left_out)s::text[]))
ORDER BY said_at DESC, fact_id
LIMIT %(limit)s

-- name: matter_vectors
-- Read the vectors of facts in the serving space.
SELECT v.item, halfvec_send(v.embedding) AS embedding
FROM vectors AS v
WHERE v.tenant_id = %(tenant_id)s AND v.user_id = %(user_id)s AND v.kind = 'fact' AND v.item = ANY(%(items)s)
      AND v.space_id = (SELECT space_id FROM embedding_spaces WHERE state = 'serving')

-- name: name_stems
-- Read the stems of a text in several languages.
SELECT stem_codes(%(text)s, configuration::regconfig) AS stems
FROM unnest(%(configurations)s::text[]) AS configuration

-- name: made
-- Read what the user's threads were written from, and who wrote them.
SELECT thread_id, input_digest, model FROM threads WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s

-- name: lock_user
-- Lock the user's row, so that no fact is retracted meanwhile. It comes first in the order of locks.
SELECT FROM users WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s FOR NO KEY UPDATE

-- name: add_answer
-- Store an answer before it is used, unless a fact that it was given was retracted or deleted during the call.
INSERT INTO thread_answers (tenant_id, user_id, input_digest, fact_ids, answer)
SELECT %(tenant_id)s, %(user_id)s, %(input_digest)s, %(fact_ids)s, %(answer)s
WHERE cardinality(%(fact_ids)s::uuid[]) = (
    SELECT count(*) FROM facts
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND fact_id = ANY(%(fact_ids)s) AND status <> 'retracted'
)
ON CONFLICT DO NOTHING

-- name: answer
-- Read the stored answer to a question.
SELECT answer FROM thread_answers
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND input_digest = %(input_digest)s

-- name: delete_answers
-- Delete the answers that were used or are void by now.
DELETE FROM thread_answers WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s

-- name: delete_answers_from
-- Delete the answers that were given one of these facts.
DELETE FROM thread_answers
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND fact_ids && %(fact_ids)s::uuid[]

-- name: delete_others
-- Delete all threads of a user but these.
WITH fallen AS (
    DELETE FROM threads
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND thread_id <> ALL(%(thread_ids)s::uuid[])
    RETURNING thread_id
)
DELETE FROM thread_facts
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND thread_id IN (SELECT thread_id FROM fallen)

-- name: upsert
-- Store a thread, the first time or again. What its steps rest on is stored by add_facts.
WITH former AS (
    DELETE FROM thread_facts
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND thread_id = %(thread_id)s
)
INSERT INTO threads (
    tenant_id, user_id, thread_id, input_digest, title, steps, state, started_at, last_said_at, prompt_version, model
) VALUES (
    %(tenant_id)s, %(user_id)s, %(thread_id)s, %(input_digest)s, %(title)s, %(steps)s, %(state)s, %(started_at)s,
    %(last_said_at)s, %(prompt_version)s, %(model)s
)
ON CONFLICT (tenant_id, user_id, thread_id) DO UPDATE
SET input_digest = EXCLUDED.input_digest, title = EXCLUDED.title, steps = EXCLUDED.steps, state = EXCLUDED.state,
    started_at = EXCLUDED.started_at, last_said_at = EXCLUDED.last_said_at,
    prompt_version = EXCLUDED.prompt_version, model = EXCLUDED.model, made_at = now()

-- name: add_facts
-- Store what the steps of a thread rest on.
INSERT INTO thread_facts (tenant_id, user_id, thread_id, step, fact_id)
SELECT %(tenant_id)s, %(user_id)s, %(thread_id)s, r.step, r.fact_id
FROM unnest(%(steps)s::smallint[], %(fact_ids)s::uuid[]) AS r (step, fact_id)
ON CONFLICT DO NOTHING

-- name: read
-- Read threads, the one that was last said something about first, each with the facts that its steps rest on. A fact is
-- believed if it is there, was not found to be wrong, and has evidence in a turn that is not hidden (removed, but not yet
-- in Postgres). `resting_on` limits them to threads that rest on one of these facts; null: all.
SELECT t.thread_id, t.title, t.steps, t.state, t.started_at, t.last_said_at, t.made_at, t.prompt_version, t.model,
       rest.facts
FROM threads AS t
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_agg(jsonb_build_object(
        'step', r.step, 'fact_id', r.fact_id, 'text', f.text,
        'is_believed', f.fact_id IS NOT NULL
            AND (f.status = 'current'
                 OR f.status = 'superseded' AND coalesce(f.ended_because, '') <> ALL(%(wrong)s::text[]))
            AND (cardinality(%(hidden_turns)s::text[]) = 0 OR EXISTS (
                SELECT FROM evidence AS e
                JOIN turns AS n USING (tenant_id, user_id, session_id, position)
                WHERE e.tenant_id = f.tenant_id AND e.user_id = f.user_id AND e.fact_id = f.fact_id
                      AND n.removed_at IS NULL AND (n.session_id, n.turn_id) NOT IN (
                          SELECT * FROM unnest(%(hidden_sessions)s::text[], %(hidden_turns)s::text[])
                      )
            )),
        'is_current', coalesce(
            f.status = 'current' AND (f.valid_to IS NULL OR f.valid_to > now()) AND (
                f.fades_at IS NULL OR f.is_pinned
                OR f.fades_at > (SELECT newest_said_at(%(tenant_id)s, %(user_id)s, NULL, NULL))
            ), false
        )
    ) ORDER BY r.step, f.said_at, r.fact_id), '[]') AS facts
    FROM thread_facts AS r
    LEFT JOIN facts AS f ON f.tenant_id = r.tenant_id AND f.user_id = r.user_id AND f.fact_id = r.fact_id
    WHERE r.tenant_id = t.tenant_id AND r.user_id = t.user_id AND r.thread_id = t.thread_id
) AS rest
WHERE t.tenant_id = %(tenant_id)s AND t.user_id = %(user_id)s AND t.steps <> '[]'
      AND (%(resting_on)s::uuid[] IS NULL OR EXISTS (
          SELECT FROM thread_facts AS n
          WHERE n.tenant_id = t.tenant_id AND n.user_id = t.user_id AND n.thread_id = t.thread_id
                AND n.fact_id = ANY(%(resting_on)s::uuid[])
      ))
ORDER BY t.last_said_at DESC, t.thread_id
LIMIT %(limit)s

-- name: delete
-- Delete a thread of which nothing is left.
WITH resting AS (
    DELETE FROM thread_facts
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND thread_id = %(thread_id)s
)
DELETE FROM threads WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND thread_id = %(thread_id)s
