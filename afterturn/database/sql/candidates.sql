-- The verified answer of a batch: candidates, the draft of its episode, and rejections.

-- name: add_candidates
-- Store the verified candidates of a batch, in one statement.
INSERT INTO candidates (
    tenant_id, user_id, batch_id, candidate_index, fact_id, text, category, topics, subject, attribute, value, importance,
    valid_from, valid_to, corrects, evidence, said_at, said_by, relations, life
)
SELECT %(tenant_id)s, %(user_id)s, %(batch_id)s, given.*
FROM json_to_recordset(%(candidates)s::json) AS given (
    candidate_index integer, fact_id uuid, text text, category text, topics text[], subject text, attribute text,
    value text, importance double precision, valid_from timestamptz, valid_to timestamptz, corrects boolean,
    evidence jsonb, said_at timestamptz, said_by text, relations jsonb, life text
)

-- name: add_episode_draft
-- Store the answer's episode: what happened in the batch.
INSERT INTO episode_drafts (tenant_id, user_id, batch_id, title, summary, outcome, participants, started_at, ended_at)
VALUES (
    %(tenant_id)s, %(user_id)s, %(batch_id)s, %(title)s, %(summary)s, %(outcome)s, %(participants)s, %(started_at)s,
    %(ended_at)s
)

-- name: add_rejections
-- Store which candidates were rejected, and which parts of candidates were dropped.
INSERT INTO rejections (tenant_id, user_id, batch_id, candidate_index, reason)
SELECT %(tenant_id)s, %(user_id)s, %(batch_id)s, given.candidate_index, given.reason
FROM unnest(%(indexes)s::int[], %(reasons)s::text[]) AS given (candidate_index, reason)
ON CONFLICT DO NOTHING

-- name: candidates
-- Read the verified candidates of a batch, in the order of the answer.
SELECT candidate_index, fact_id, text, category, topics, subject, attribute, value, importance, valid_from, valid_to,
       corrects, evidence, said_at, said_by, relations, life
FROM candidates
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s
ORDER BY candidate_index

-- name: episode_draft
-- Read the answer's episode.
SELECT title, summary, outcome, participants, started_at, ended_at FROM episode_drafts
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s

-- name: delete_candidates
-- Delete the candidates of a batch, the draft of its episode, and its question to the judge.
WITH deleted_candidates AS (
    DELETE FROM candidates
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s
),
deleted_episode AS (
    DELETE FROM episode_drafts
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s
)
DELETE FROM judge_questions
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s

-- name: delete_candidates_without_turn
-- Delete the candidates of an applied batch whose turns are all removed, the draft of its episode, and its question to the
-- judge. The others say in which words their turns repeat a fact.
WITH deleted_candidates AS (
    DELETE FROM candidates AS c
    USING batches AS b
    WHERE b.tenant_id = %(tenant_id)s AND b.user_id = %(user_id)s AND b.batch_id = %(batch_id)s
          AND c.tenant_id = b.tenant_id AND c.user_id = b.user_id AND c.batch_id = b.batch_id
          AND NOT EXISTS (
              SELECT FROM jsonb_array_elements(c.evidence) AS said
              JOIN turns AS t ON t.tenant_id = b.tenant_id AND t.user_id = b.user_id AND t.session_id = b.session_id
                   AND t.position = (said ->> 0)::bigint
              WHERE t.removed_at IS NULL
          )
),
deleted_episode AS (
    DELETE FROM episode_drafts
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s
)
DELETE FROM judge_questions
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s

-- name: delete_verified_answer
-- Delete what was stored when a batch was verified before: candidates, the draft of its episode, its question to the judge,
-- and rejections.
WITH deleted_candidates AS (
    DELETE FROM candidates
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s
),
deleted_episode AS (
    DELETE FROM episode_drafts
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s
),
deleted_question AS (
    DELETE FROM judge_questions
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s
)
DELETE FROM rejections WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s

-- name: delete_rejections
-- Delete the rejections of a batch.
DELETE FROM rejections WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s

-- name: fact_ids
-- Read the ids of the facts that a batch's candidates may become.
SELECT fact_id FROM candidates
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND batch_id = %(batch_id)s
