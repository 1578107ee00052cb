-- name: lock_writes
-- Let an erasure of the user wait for this transaction, or wait for the erasure. Writers do not wait for each other.
SELECT lock_own_documents()

-- name: lock_batch
-- Wait for other transactions that write several documents of the user: in another order, each would wait for the other.
SELECT pg_advisory_xact_lock(hashtextextended(%(tenant_id)s, hashtextextended(%(user_id)s, 16)))

-- name: lock_erasure
-- Wait for the writers of the user's documents, and let later ones wait for the end of this transaction: an erasure's
-- or a merge's.
SELECT pg_advisory_xact_lock(hashtextextended(%(tenant_id)s, hashtextextended(%(user_id)s, 15)))

-- name: get
-- Read documents by id.
SELECT document_id, namespace, key, value, created_at, updated_at, ttl_minutes IS NOT NULL AS has_ttl
FROM documents
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND document_id = ANY(%(ids)s::bytea[])
      AND (expires_at IS NULL OR expires_at > clock_timestamp())

-- name: search
-- Read the newest documents below a namespace. The comment "conditions" is replaced by those of the filter.
SELECT document_id, namespace, key, value, created_at, updated_at, ttl_minutes IS NOT NULL AS has_ttl, NULL AS score
FROM documents AS d
WHERE d.tenant_id = %(tenant_id)s AND d.user_id = %(user_id)s
      AND d.path_start >= %(path_from)s AND (%(path_to)s::text IS NULL OR d.path_start < %(path_to)s)
      AND (NOT %(is_cut)s AND (d.path_start = %(path_from)s OR d.path_start >= %(path_below)s)
           OR %(is_cut)s AND d.namespace[1:cardinality(%(prefix)s::text[])] = %(prefix)s::text[])
      AND (d.expires_at IS NULL OR d.expires_at > clock_timestamp()) /* conditions */
ORDER BY d.updated_at DESC, d.document_id
LIMIT %(limit)s OFFSET %(offset)s

-- name: search_by_vector
-- Read the documents below a namespace, the most similar first: the best of a document's vectors counts. Those without
-- vectors follow, the newest first. The comment "score" is replaced by the similarity.
WITH matching AS MATERIALIZED (
    SELECT d.document_id, d.updated_at, CASE WHEN d.space = %(space)s THEN (SELECT max(/* score */ 0) FROM unnest(d.embeddings) AS v (embedding)) END
           AS score
    FROM documents AS d
    WHERE d.tenant_id = %(tenant_id)s AND d.user_id = %(user_id)s
          AND d.path_start >= %(path_from)s AND (%(path_to)s::text IS NULL OR d.path_start < %(path_to)s)
          AND (NOT %(is_cut)s AND (d.path_start = %(path_from)s OR d.path_start >= %(path_below)s)
               OR %(is_cut)s AND d.namespace[1:cardinality(%(prefix)s::text[])] = %(prefix)s::text[])
          AND (d.expires_at IS NULL OR d.expires_at > clock_timestamp()) /* conditions */
), best AS MATERIALIZED (
    SELECT document_id, score FROM matching
    ORDER BY score DESC NULLS LAST, updated_at DESC, document_id
    LIMIT %(limit)s OFFSET %(offset)s
)
SELECT document_id, d.namespace, d.key, d.value, d.created_at, d.updated_at, d.ttl_minutes IS NOT NULL AS has_ttl, b.score
FROM best AS b
JOIN documents AS d USING (document_id)
WHERE d.tenant_id = %(tenant_id)s AND d.user_id = %(user_id)s
ORDER BY b.score DESC NULLS LAST, d.updated_at DESC, document_id

-- name: cosine
-- Similarity: the cosine.
1 - (v.embedding <=> %(query)s::halfvec)

-- name: inner_product
-- Similarity: the inner product.
-(v.embedding <#> %(query)s::halfvec)

-- name: l2
-- Similarity: the distance, negative.
-(v.embedding <-> %(query)s::halfvec)

-- name: without_vectors
-- Read some documents below a namespace whose texts have vectors, but not of this embedder.
SELECT document_id, value, index_paths, updated_at
FROM documents AS d
WHERE d.tenant_id = %(tenant_id)s AND d.user_id = %(user_id)s
      AND d.path_start >= %(path_from)s AND (%(path_to)s::text IS NULL OR d.path_start < %(path_to)s)
      AND (NOT %(is_cut)s AND (d.path_start = %(path_from)s OR d.path_start >= %(path_below)s)
           OR %(is_cut)s AND d.namespace[1:cardinality(%(prefix)s::text[])] = %(prefix)s::text[])
      AND d.index_paths IS NOT NULL AND d.space IS DISTINCT FROM %(space)s
LIMIT %(limit)s

-- name: replace_vectors
-- Store vectors of documents that have not changed since their texts were read.
UPDATE documents AS d SET space = %(space)s, embeddings = v.embeddings::halfvec[]
FROM unnest(%(ids)s::bytea[], %(versions)s::timestamptz[], %(vectors)s::text[]) AS v (document_id, version, embeddings)
WHERE d.tenant_id = %(tenant_id)s AND d.user_id = %(user_id)s AND d.document_id = v.document_id
      AND d.updated_at = v.version
RETURNING 1

-- name: unindex
-- Let documents be without vectors, because no embedder reads their texts.
UPDATE documents SET index_paths = NULL, space = NULL, embeddings = NULL
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND document_id = ANY(%(ids)s::bytea[])
RETURNING 1

-- name: refresh
-- Begin the time to live of documents again. Who has locked one of them does that too. The array is made once; a join
-- with the subquery would run it for each document of the user.
UPDATE documents SET expires_at = clock_timestamp() + make_interval(secs => ttl_minutes * 60)
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND document_id = ANY(ARRAY(
    SELECT document_id FROM documents
    WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND document_id = ANY(%(ids)s::bytea[])
          AND ttl_minutes IS NOT NULL AND expires_at > clock_timestamp()
    FOR NO KEY UPDATE SKIP LOCKED
))
RETURNING 1

-- name: delete
-- Delete documents.
DELETE FROM documents
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND document_id = ANY(%(ids)s::bytea[])
RETURNING 1

-- name: put
-- Store a document. It names the user itself, and waits for an erasure like `lock_writes`.
SELECT put_document(
    %(tenant_id)s, %(user_id)s, %(document_id)s, %(namespace)s::text[], %(key)s, %(path_start)s, %(value)s, %(fields)s,
    %(index_paths)s::text[], %(space)s, %(vectors)s, %(ttl)s
)

-- name: list_namespaces
-- Read the namespaces with documents, cut at a depth. The comment "conditions" is replaced by those on the namespace.
SELECT n.namespace
FROM (
    SELECT DISTINCT CASE WHEN %(max_depth)s::integer IS NULL THEN d.namespace ELSE d.namespace[1:%(max_depth)s::integer] END
           AS namespace
    FROM (
        SELECT DISTINCT namespace FROM documents
        WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s
              AND (expires_at IS NULL OR expires_at > clock_timestamp())
    ) AS d
    WHERE true /* conditions */
) AS n
ORDER BY n.namespace
LIMIT %(limit)s OFFSET %(offset)s

-- name: prefix
-- Condition: a namespace begins with these labels.
(cardinality(d.namespace) >= cardinality(%(labels)s::text[]) AND (
    SELECT bool_and(l.label IN ('*', d.namespace[l.place]))
    FROM unnest(%(labels)s::text[]) WITH ORDINALITY AS l (label, place)
))

-- name: suffix
-- Condition: a namespace ends with these labels.
(cardinality(d.namespace) >= cardinality(%(labels)s::text[]) AND (
    SELECT bool_and(l.label IN ('*', d.namespace[cardinality(d.namespace) - cardinality(%(labels)s::text[]) + l.place]))
    FROM unnest(%(labels)s::text[]) WITH ORDINALITY AS l (label, place)
))

-- name: delete_expired
-- Delete some documents whose time to live has passed, of all users.
DELETE FROM documents WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM documents
    WHERE expires_at <= clock_timestamp()
    ORDER BY expires_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
))
