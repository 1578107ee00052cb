-- The index of large memories (decision 015).

-- name: index
-- Read the current index of a memory.
SELECT build, space_id, read_at FROM memory_indexes WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s

-- name: columns
-- Read the columns of an index. Three of them get clearer names than they have in the table.
SELECT build, space_id, turns AS turn_count, sessions, session_sizes, speakers, positions, stems AS lengths, traits,
       speaker, months, fact_ids, evidence_facts, evidence_turns, alone AS standalone, spread_of_turns, spread_of_facts
FROM memory_indexes
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND build = %(build)s

-- name: postings
-- Read which documents contain the stems of the question, and how often.
SELECT stem, places, counts FROM index_postings
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND build = %(build)s AND stem = ANY(%(stems)s::bytea[])

-- name: cells
-- Compute the cosines of the vectors in the cells nearest to the question, and in the sample cell (cell -1).
SELECT c.cell, c.places, (
    SELECT string_agg(float4send((-(v.embedding <#> %(vector)s::halfvec))::float4), ''::bytea)
    FROM unnest(c.embeddings) AS v (embedding)
) AS cosines
FROM index_cells AS c
WHERE c.tenant_id = %(tenant_id)s AND c.user_id = %(user_id)s AND c.build = %(build)s AND %(vector)s::halfvec IS NOT NULL
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
-- Read the sessions with turns that were archived after `since`.
SELECT s.session_id, s.next_position
FROM sessions AS s
WHERE s.tenant_id = %(tenant_id)s AND s.user_id = %(user_id)s AND s.last_archived_at >= %(since)s

-- name: new_facts
-- Read the facts that were recorded after `since`, with the turns that are their evidence.
SELECT f.fact_id, e.session_id, e.position
FROM facts AS f
LEFT JOIN evidence AS e USING (tenant_id, user_id, fact_id)
WHERE f.tenant_id = %(tenant_id)s AND f.user_id = %(user_id)s AND f.status = 'current'
      AND f.recorded_at >= %(since)s

-- name: owed_index
-- Read the size of a memory, its embedding space, and the time; no row if its index is up to date.
SELECT u.next_user_seq, clock_timestamp() AS now,
       (SELECT space_id FROM embedding_spaces WHERE state = 'serving') AS space_id,
       (SELECT count(*) FROM turns AS t
        WHERE t.tenant_id = u.tenant_id AND t.user_id = u.user_id AND t.removed_at IS NULL)
       + (SELECT count(*) FROM facts AS f
          WHERE f.tenant_id = u.tenant_id AND f.user_id = u.user_id AND f.status = 'current') AS documents
FROM users AS u
WHERE u.tenant_id = %(tenant_id)s AND u.user_id = %(user_id)s AND u.owes_index

-- name: extend_timeout
-- Raise the statement timeout, because reading and writing a large memory takes longer than the usual one.
SELECT set_config('statement_timeout', '600000', true)

-- name: sample_vectors
-- Read a sample of the vectors of a memory: about one of `every`.
SELECT halfvec_send(embedding) AS embedding FROM vectors
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND space_id = %(space_id)s
      AND kind <> 'episode' AND hashtext(item) %% %(every)s = 0

-- name: count_vectors
-- Count the vectors of a memory.
SELECT count(*) AS count FROM vectors
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND space_id = %(space_id)s AND kind <> 'episode'

-- name: next_vectors
-- Read the vectors after an item, in order.
SELECT kind, item, halfvec_send(embedding) AS embedding FROM vectors
WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND space_id = %(space_id)s AND kind = %(kind)s
      AND item > %(after)s
ORDER BY item
LIMIT %(limit)s

-- name: new_build
-- Read a new number for an index.
SELECT nextval('lease_tokens') AS build

-- name: add_columns
-- Store the columns of the index. From this commit on, recall uses the index.
INSERT INTO memory_indexes (
    tenant_id, user_id, build, space_id, read_at, turns, sessions, session_sizes, speakers, positions, stems, traits,
    speaker, months, fact_ids, evidence_facts, evidence_turns, alone, spread_of_turns, spread_of_facts
) VALUES (
    %(tenant_id)s, %(user_id)s, %(build)s, %(space_id)s, %(read_at)s, %(turn_count)s, %(sessions)s, %(session_sizes)s,
    %(speakers)s, %(positions)s, %(lengths)s, %(traits)s, %(speaker)s, %(months)s, %(fact_ids)s, %(evidence_facts)s,
    %(evidence_turns)s, %(standalone)s, %(spread_of_turns)s, %(spread_of_facts)s
)

-- name: add_postings
-- Insert the postings of some stems.
INSERT INTO index_postings (tenant_id, user_id, build, stem, places, counts)
SELECT %(tenant_id)s, %(user_id)s, %(build)s, p.stem, p.places, p.counts
FROM unnest(%(stems)s::bytea[], %(places)s::bytea[], %(counts)s::bytea[]) AS p (stem, places, counts)

-- name: add_cells
-- Insert some cells with the current vectors of their items.
INSERT INTO index_cells (tenant_id, user_id, build, cell, centre, places, embeddings)
SELECT %(tenant_id)s, %(user_id)s, %(build)s, c.cell, c.centre, v.places, v.embeddings
FROM unnest(%(cells)s::integer[], %(centres)s::halfvec[]) AS c (cell, centre)
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
-- Delete the columns of the index. From this commit on, recall does not use it.
DELETE FROM memory_indexes WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s

-- name: drop_postings
-- Delete the postings of all builds except one.
DELETE FROM index_postings WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND build <> %(build)s

-- name: drop_cells
-- Delete the cells of all builds except one.
DELETE FROM index_cells WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND build <> %(build)s

-- name: lock_user
-- Lock the user's row. It comes before the lease in the order of locks.
SELECT FROM users WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s FOR NO KEY UPDATE

-- name: mark_indexed
-- Mark the index as up to date until the batch with this number; with 0 it is due for a rebuild at once.
UPDATE users SET indexed_user_seq = %(user_seq)s WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s

-- name: delete_lease
-- Delete the lease of a running build, so that it cannot publish an index of the earlier memory.
DELETE FROM leases WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s AND kind = 'index'
