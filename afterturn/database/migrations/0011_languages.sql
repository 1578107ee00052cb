-- The stems of a text are those of its language. Its writer knows the language, so the stems are written with the text.

-- The stems of a text as four bytes each, again for each time that it stands there, up to 8. A text of more than 65,000
-- characters is halved until each piece has at most that: four bytes each, and at most four times as much in the vector. A
-- word at a seam is read as two.
CREATE FUNCTION stem_codes(said text, configuration regconfig) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN octet_length(said) <= 65000 THEN (
    SELECT coalesce(
        string_agg(decode(repeat(left(md5(w.lexeme), 8), least(cardinality(w.positions), 8)), 'hex'), ''::bytea), ''
    )
    FROM unnest(to_tsvector(configuration, said)) AS w
) ELSE (
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
) END;

-- Where the language is not known: English, as in earlier releases.
CREATE OR REPLACE FUNCTION stem_codes(said text) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN stem_codes(said, 'english'::regconfig);

-- The columns keep their values, and no table is rewritten.
ALTER TABLE turns ALTER COLUMN stems DROP EXPRESSION;
ALTER TABLE facts ALTER COLUMN stems DROP EXPRESSION;
ALTER TABLE episodes ALTER COLUMN stems DROP EXPRESSION;

-- Texts that were written before have the stems of English. A worker replaces them, user by user.
ALTER TABLE users ADD COLUMN owes_stems boolean NOT NULL DEFAULT true, ADD COLUMN stems_hinted_at timestamptz;
ALTER TABLE users ALTER COLUMN owes_stems SET DEFAULT false;
COMMENT ON COLUMN users.owes_stems IS 'Some of its texts have the stems of English, whatever their language is.';
COMMENT ON COLUMN users.stems_hinted_at IS
    'When that was last handed out; the sweep hands it out again when this is long ago.';
CREATE INDEX users_stems_owed ON users (stems_hinted_at NULLS FIRST) WHERE owes_stems;

-- A worker of an earlier release writes texts without stems. They get those of English, and the user owes stems.
CREATE FUNCTION owe_stems() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.stems := stem_codes(CASE TG_TABLE_NAME
        WHEN 'turns' THEN coalesce(to_jsonb(NEW) ->> 'name', '') || ' ' || (to_jsonb(NEW) ->> 'content')
        WHEN 'facts' THEN to_jsonb(NEW) ->> 'text'
        ELSE (to_jsonb(NEW) ->> 'title') || ' ' || (to_jsonb(NEW) ->> 'summary')
    END);
    UPDATE users SET owes_stems = true
    WHERE tenant_id = NEW.tenant_id AND user_id = NEW.user_id AND NOT owes_stems;
    RETURN NEW;
END
$$;
CREATE TRIGGER owe_stems BEFORE INSERT ON turns FOR EACH ROW WHEN (NEW.stems IS NULL) EXECUTE FUNCTION owe_stems();
CREATE TRIGGER owe_stems BEFORE INSERT ON facts FOR EACH ROW WHEN (NEW.stems IS NULL) EXECUTE FUNCTION owe_stems();
CREATE TRIGGER owe_stems BEFORE INSERT ON episodes FOR EACH ROW WHEN (NEW.stems IS NULL) EXECUTE FUNCTION owe_stems();
CREATE TRIGGER owe_stems_again BEFORE UPDATE OF title, summary ON episodes
    FOR EACH ROW WHEN (NEW.stems IS NOT DISTINCT FROM OLD.stems) EXECUTE FUNCTION owe_stems();
