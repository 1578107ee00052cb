-- ANALYZE leaves the statistics of a table without rows as they are: with them, samples of the ids of users who were
-- forgotten. `afterturn scrub` calls this function. Its caller need not own the tables.

CREATE FUNCTION clear_statistics_of_empty_tables() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
-- Delete what the planner's statistics hold of tables without rows whose rows belong to users. Returns how many such
-- tables have statistics that the owner of this function may not delete.
DECLARE
    empty_table regclass;
    has_rows boolean;
    remaining bigint := 0;
BEGIN
    FOR empty_table IN
        SELECT c.oid::regclass
        FROM pg_class AS c
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
              AND 2 = (
                  SELECT count(*) FROM pg_attribute AS a
                  WHERE a.attrelid = c.oid AND a.attname IN ('tenant_id', 'user_id') AND NOT a.attisdropped
              )
              AND EXISTS (
                  SELECT FROM pg_stats AS s WHERE s.schemaname = current_schema() AND s.tablename = c.relname
              )
        ORDER BY c.relname
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s)', empty_table) INTO has_rows;
        CONTINUE WHEN has_rows;
        BEGIN
            DELETE FROM pg_statistic
            WHERE starelid = empty_table
                  OR starelid IN (SELECT indexrelid FROM pg_index WHERE indrelid = empty_table);
        EXCEPTION WHEN insufficient_privilege THEN
            remaining := remaining + 1;
        END;
    END LOOP;
    RETURN remaining;
END
$$;
REVOKE EXECUTE ON FUNCTION clear_statistics_of_empty_tables() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clear_statistics_of_empty_tables() TO afterturn_worker;
