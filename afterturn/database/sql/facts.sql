-- name: current_alike
-- The user's current facts that a batch's candidates may repeat or supersede: same text, or same attribute.
SELECT fact_id, text, subject, attribute, value, said_at, valid_from FROM facts
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND status = 'current'
      AND (attribute = ANY(%(attributes)s) OR lower(text) = ANY(%(texts)s))
ORDER BY recorded_at, fact_id

-- name: user_version
-- The version that the decisions are made on.
SELECT version FROM users WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s

-- name: bump_version
-- Lock the user and make sure that nobody has changed their memory since it was read.
UPDATE users SET version = version + 1
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND version = %(version)s
RETURNING version

-- name: add
-- One new fact, current or already superseded by a newer one.
INSERT INTO facts (
    tenant_id, user_id, fact_id, batch_id, session_id, text, category, topics, subject, attribute, value, importance,
    status, superseded_by, superseded_at, valid_from, valid_to, said_valid_to, said_at
) VALUES (
    %(tenant_id)s, %(user_id)s, %(fact_id)s, %(batch_id)s, %(session_id)s, %(text)s, %(category)s, %(topics)s,
    %(subject)s, %(attribute)s, %(value)s, %(importance)s,
    CASE WHEN %(superseded_by)s::uuid IS NULL THEN 'current' ELSE 'superseded' END,
    %(superseded_by)s::uuid, CASE WHEN %(superseded_by)s::uuid IS NULL THEN NULL ELSE now() END,
    %(valid_from)s, %(valid_to)s, %(said_valid_to)s, %(said_at)s
)

-- name: add_evidence
-- Why a fact is believed.
INSERT INTO evidence (tenant_id, user_id, fact_id, session_id, position, quote, batch_id)
VALUES (%(tenant_id)s, %(user_id)s, %(fact_id)s, %(session_id)s, %(position)s, %(quote)s, %(batch_id)s)
ON CONFLICT DO NOTHING

-- name: repeat
-- A fact was said again.
UPDATE facts SET times_seen = times_seen + 1, said_at = GREATEST(said_at, %(said_at)s)
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND fact_id = %(fact_id)s

-- name: supersede
-- A newer value took a fact's place, in the world since the newer one holds.
UPDATE facts SET status = 'superseded', superseded_by = %(superseded_by)s, superseded_at = now(),
                 valid_to = COALESCE(valid_to, %(valid_to)s)
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND fact_id = %(fact_id)s AND status = 'current'

-- name: add_episode
-- What happened in a batch.
INSERT INTO episodes (
    tenant_id, user_id, batch_id, session_id, user_seq, title, summary, outcome, started_at, ended_at
) VALUES (
    %(tenant_id)s, %(user_id)s, %(batch_id)s, %(session_id)s, %(user_seq)s, %(title)s, %(summary)s, %(outcome)s,
    %(started_at)s, %(ended_at)s
)

-- name: add_rejection
-- A candidate that was not believed.
INSERT INTO rejections (tenant_id, user_id, batch_id, candidate_index, reason)
VALUES (%(tenant_id)s, %(user_id)s, %(batch_id)s, %(candidate_index)s, %(reason)s)
ON CONFLICT DO NOTHING

-- name: most_important
-- What a profile is made of: the current facts, the most important and most often said first.
SELECT text, category FROM facts
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND status = 'current'
ORDER BY importance DESC, times_seen DESC, said_at DESC, fact_id
LIMIT %(limit)s

-- name: set_display_name
-- How the user is called, by their own word.
UPDATE users SET display_name = %(display_name)s
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND display_name IS DISTINCT FROM %(display_name)s
