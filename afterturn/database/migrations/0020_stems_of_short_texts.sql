-- The stems of nearly every text are made by one short query. In one function with the query for long texts, that one was
-- prepared at each call too, which took half as long as the stemming. The results are the same.

CREATE FUNCTION stem_codes_of_long(said text, configuration regconfig) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    WITH RECURSIVE pieces (piece) AS (
        SELECT said
        UNION ALL
        SELECT half.piece
        FROM pieces AS whole,
             LATERAL (VALUES
                 (left(whole.piece, char_length(whole.piece) / 2)),
                 (substr(whole.piece, char_length(whole.piece) / 2 + 1))
             ) AS half (piece)
        WHERE char_length(whole.piece) > 65000
    ),
    stems AS (
        SELECT w.lexeme, sum(cardinality(w.positions)) AS times
        FROM pieces, unnest(to_tsvector(configuration, pieces.piece)) AS w
        WHERE char_length(pieces.piece) <= 65000
        GROUP BY w.lexeme
    )
    SELECT coalesce(string_agg(decode(repeat(left(md5(lexeme), 8), least(times, 8)::integer), 'hex'), ''::bytea), '')
    FROM stems
);

CREATE OR REPLACE FUNCTION stem_codes(said text, configuration regconfig) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN octet_length(said) <= 65000 THEN (
    SELECT coalesce(
        string_agg(decode(repeat(left(md5(w.lexeme), 8), least(cardinality(w.positions), 8)), 'hex'), ''::bytea), ''
    )
    FROM unnest(to_tsvector(configuration, said)) AS w
) ELSE stem_codes_of_long(said, configuration) END;
