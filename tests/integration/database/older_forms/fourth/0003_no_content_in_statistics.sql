-- The planner's statistics keep samples of what stands in a column. Of what people said there must be none: it would
-- outlive their forgetting, in a catalogue that nobody looks into. No query's plan depends on these columns.

ALTER TABLE users ALTER COLUMN display_name SET STATISTICS 0;
ALTER TABLE turns
    ALTER COLUMN name SET STATISTICS 0,
    ALTER COLUMN content SET STATISTICS 0,
    ALTER COLUMN metadata SET STATISTICS 0,
    ALTER COLUMN memories_shown SET STATISTICS 0,
    ALTER COLUMN lexemes SET STATISTICS 0;
ALTER TABLE batches ALTER COLUMN reason SET STATISTICS 0;
ALTER TABLE answers ALTER COLUMN answer SET STATISTICS 0;
ALTER TABLE facts
    ALTER COLUMN text SET STATISTICS 0,
    ALTER COLUMN topics SET STATISTICS 0,
    ALTER COLUMN subject SET STATISTICS 0,
    ALTER COLUMN attribute SET STATISTICS 0,
    ALTER COLUMN value SET STATISTICS 0,
    ALTER COLUMN lexemes SET STATISTICS 0;
ALTER TABLE evidence ALTER COLUMN quote SET STATISTICS 0;
ALTER TABLE rejections ALTER COLUMN reason SET STATISTICS 0;
ALTER TABLE episodes
    ALTER COLUMN title SET STATISTICS 0,
    ALTER COLUMN summary SET STATISTICS 0,
    ALTER COLUMN outcome SET STATISTICS 0,
    ALTER COLUMN lexemes SET STATISTICS 0;
ALTER TABLE summaries ALTER COLUMN text SET STATISTICS 0;
ALTER TABLE profiles ALTER COLUMN text SET STATISTICS 0;
ALTER TABLE audit_log ALTER COLUMN details SET STATISTICS 0;
ALTER TABLE vectors ALTER COLUMN embedding SET STATISTICS 0;
