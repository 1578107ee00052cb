-- Large memories: their index, and what is read of it (decision 015).

-- name: index
-- Which index a memory has.
SELECT build, space_id, read_at FROM memory_indexes WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s

-- name: columns
-- The index's columns.
SELECT build, space_id, turns, sessions, session_sizes, speakers, positions, stems, traits, speaker, months, fact_ids,
       evidence_facts, evidence_turns, alone, spread_of_turns, spread_of_facts
FROM memory_indexes
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND build = %(build)s

-- name: postings
-- Where the question's stems stand.
SELECT stem, places, counts FROM index_postings
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND build = %(build)s AND stem = ANY(%(stems)s::bytea[])

-- name: cells
-- The cosines of the vectors in the cells that are nearest to the question's, and (cell -1) of a sample of all.
SELECT c.cell, c.places, (
    SELECT string_agg(float4send((-(v.embedding <#> %(vector)s::halfvec))::float4), ''::bytea)
    FROM unnest(c.embeddings) AS v (embedding)
) AS cosines
FROM index_cells AS c
WHERE c.tenant_id = %(tenant_id)s AND c.user_id = %(user_id)s AND c.build = %(build)s AND %(vector)s::text IS NOT NULL
      AND c.cell IN (
          SELECT -1
          UNION ALL (
              SELECT n.cell FROM index_cells AS n
              WHERE n.tenant_id = %(tenant_id)s AND n.user_id = %(user_id)s AND n.build = %(build)s AND n.cell >= 0
              ORDER BY n.centre <#> %(vector)s::halfvec
              LIMIT %(probes)s
          )
      )

-- name: grown_sessions
-- Sessions that turns came to since the index's documents were read, or just before.
SELECT s.session_id, s.next_position
FROM sessions AS s
WHERE s.tenant_id = %(tenant_id)s AND s.user_id = %(user_id)s AND s.last_archived_at >= %(since)s

-- name: new_facts
-- Facts that were recorded since then, or just before, with the turns that they rest on.
SELECT f.fact_id, e.session_id, e.position
FROM facts AS f
LEFT JOIN evidence AS e USING (tenant_id, user_id, fact_id)
WHERE f.tenant_id = %(tenant_id)s AND f.user_id = %(user_id)s AND f.status = 'current'
      AND f.recorded_at >= %(since)s

-- name: looked_at
-- How large a memory is, its space, and the time; no row where nobody owes its index.
SELECT u.next_user_seq, clock_timestamp() AS now,
       (SELECT space_id FROM embedding_spaces WHERE state = 'serving') AS space_id,
       (SELECT count(*) FROM turns AS t
        WHERE t.tenant_id = u.tenant_id AND t.user_id = u.user_id AND t.removed_at IS NULL)
       + (SELECT count(*) FROM facts AS f
          WHERE f.tenant_id = u.tenant_id AND f.user_id = u.user_id AND f.status = 'current') AS documents
FROM users AS u
WHERE u.tenant_id = %(tenant_id)s AND u.user_id = %(user_id)s AND u.owes_index

-- name: allow_time
-- A large memory takes longer to read and write than other statements may take.
SELECT set_config('statement_timeout', '600000', true)

-- name: sampled_vectors
-- Every so manyeth of the memory's vectors.
SELECT halfvec_send(embedding) AS embedding FROM vectors
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND space_id = %(space_id)s
      AND kind <> 'episode' AND hashtext(item) %% %(every)s = 0

-- name: count_vectors
-- How many vectors the memory has.
SELECT count(*) AS count FROM vectors
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND space_id = %(space_id)s AND kind <> 'episode'

-- name: next_vectors
-- The vectors behind a place, in order.
SELECT kind, item, halfvec_send(embedding) AS embedding FROM vectors
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND space_id = %(space_id)s AND kind = %(kind)s
      AND item > %(after)s
ORDER BY item
LIMIT %(limit)s

-- name: new_build
-- A number for an index.
SELECT nextval('lease_tokens') AS build

-- name: add_columns
-- The index counts from here on.
INSERT INTO memory_indexes (
    tenant_id, user_id, build, space_id, read_at, turns, sessions, session_sizes, speakers, positions, stems, traits,
    speaker, months, fact_ids, evidence_facts, evidence_turns, alone, spread_of_turns, spread_of_facts
) VALUES (
    %(tenant_id)s, %(user_id)s, %(build)s, %(space_id)s, %(read_at)s, %(turns)s, %(sessions)s, %(session_sizes)s,
    %(speakers)s, %(positions)s, %(stems)s, %(traits)s, %(speaker)s, %(months)s, %(fact_ids)s, %(evidence_facts)s,
    %(evidence_turns)s, %(alone)s, %(spread_of_turns)s, %(spread_of_facts)s
)

-- name: add_postings
-- Some stems.
INSERT INTO index_postings (tenant_id, user_id, build, stem, places, counts)
SELECT %(tenant_id)s, %(user_id)s, %(build)s, p.stem, p.places, p.counts
FROM unnest(%(stems)s::bytea[], %(places)s::bytea[], %(counts)s::bytea[]) AS p (stem, places, counts)

-- name: add_cells
-- Some cells, with the vectors that are there now.
INSERT INTO index_cells (tenant_id, user_id, build, cell, centre, places, embeddings)
SELECT %(tenant_id)s, %(user_id)s, %(build)s, c.cell, c.centre::halfvec, v.places, v.embeddings
FROM unnest(%(cells)s::integer[], %(centres)s::text[]) AS c (cell, centre)
JOIN (
    SELECT o.cell, string_agg(int4send(o.place), ''::bytea ORDER BY o.place) AS places,
           array_agg(v.embedding ORDER BY o.place) AS embeddings
    FROM unnest(%(in_cells)s::integer[], %(places)s::integer[], %(kinds)s::text[], %(items)s::text[])
         AS o (cell, place, kind, item)
    JOIN vectors AS v
      ON v.tenant_id = %(tenant_id)s AND v.user_id = %(user_id)s AND v.space_id = %(space_id)s
         AND v.kind = o.kind AND v.item = o.item
    GROUP BY o.cell
) AS v USING (cell)

-- name: drop_columns
-- The index counts no more.
DELETE FROM memory_indexes WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s

-- name: drop_postings
-- All but those of one build.
DELETE FROM index_postings WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND build <> %(build)s

-- name: drop_cells
-- All but those of one build.
DELETE FROM index_cells WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND build <> %(build)s

-- name: lock_user
-- The user before the lease, in the order of all others.
SELECT FROM users WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s FOR NO KEY UPDATE

-- name: indexed
-- The memory was looked at as it was when its next batch had this number; 0: look again at once.
UPDATE users SET indexed_user_seq = %(user_seq)s WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s

-- name: seize_lease
-- Whoever is making an index can end it no more: it was read before.
DELETE FROM leases WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND kind = 'index'
