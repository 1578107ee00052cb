-- name: with_vectors
-- Read which items have a vector in a space.
SELECT kind, item FROM vectors
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND space_id = %(space_id)s
      AND (kind, item) IN (SELECT * FROM unnest(%(kinds)s::text[], %(items)s::text[]))

-- name: add_vector
-- Store one vector.
INSERT INTO vectors (tenant_id, user_id, space_id, kind, item, embedding)
VALUES (%(tenant_id)s, %(user_id)s, %(space_id)s, %(kind)s, %(item)s, %(embedding)s::halfvec)
ON CONFLICT DO NOTHING

-- name: delete_fact_vectors
-- Delete the vectors of candidates that did not become facts of their own, and their rows in
-- missing_vectors.
WITH missing AS (
    DELETE FROM missing_vectors
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND kind = 'fact' AND item = ANY(%(items)s)
)
DELETE FROM vectors
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND kind = 'fact' AND item = ANY(%(items)s)
