-- name: with_vectors
-- Read which items have a vector in a space.
SELECT kind, item FROM vectors
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND space_id = %(space_id)s
      AND (kind, item) IN (SELECT * FROM unnest(%(kinds)s::text[], %(items)s::text[]))

-- name: add_vectors
-- Store up to 16 vectors; the rows that are not needed are null. One statement for each vector took twice the time. In
-- an array they would be text.
INSERT INTO vectors (tenant_id, user_id, space_id, kind, item, embedding)
SELECT %(tenant_id)s, %(user_id)s, %(space_id)s, given.kind, given.item, given.embedding
FROM (VALUES
    (%(kind_0)s::text, %(item_0)s::text, %(embedding_0)s::halfvec),
    (%(kind_1)s::text, %(item_1)s::text, %(embedding_1)s::halfvec),
    (%(kind_2)s::text, %(item_2)s::text, %(embedding_2)s::halfvec),
    (%(kind_3)s::text, %(item_3)s::text, %(embedding_3)s::halfvec),
    (%(kind_4)s::text, %(item_4)s::text, %(embedding_4)s::halfvec),
    (%(kind_5)s::text, %(item_5)s::text, %(embedding_5)s::halfvec),
    (%(kind_6)s::text, %(item_6)s::text, %(embedding_6)s::halfvec),
    (%(kind_7)s::text, %(item_7)s::text, %(embedding_7)s::halfvec),
    (%(kind_8)s::text, %(item_8)s::text, %(embedding_8)s::halfvec),
    (%(kind_9)s::text, %(item_9)s::text, %(embedding_9)s::halfvec),
    (%(kind_10)s::text, %(item_10)s::text, %(embedding_10)s::halfvec),
    (%(kind_11)s::text, %(item_11)s::text, %(embedding_11)s::halfvec),
    (%(kind_12)s::text, %(item_12)s::text, %(embedding_12)s::halfvec),
    (%(kind_13)s::text, %(item_13)s::text, %(embedding_13)s::halfvec),
    (%(kind_14)s::text, %(item_14)s::text, %(embedding_14)s::halfvec),
    (%(kind_15)s::text, %(item_15)s::text, %(embedding_15)s::halfvec)
) AS given (kind, item, embedding)
WHERE given.item IS NOT NULL
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
