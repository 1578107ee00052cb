-- Two roles that nobody logs in as. The door reads as afterturn_app, which sees one user of one tenant at a time;
-- the workers write as afterturn_worker, which crosses users. Connections take their role with SET ROLE.

DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['afterturn_app', 'afterturn_worker'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
        END IF;
        IF NOT pg_has_role(current_user, role_name, 'MEMBER') THEN
            EXECUTE format('GRANT %I TO %I', role_name, current_user);
        END IF;
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), role_name);
    END LOOP;
END
$$;

GRANT SELECT, INSERT, UPDATE, DELETE ON
    users, sessions, turns, batches, leases, answers, llm_calls, facts, evidence, rejections, episodes, summaries,
    profiles, vectors, erasures, counters, audit_log
TO afterturn_worker;
GRANT SELECT ON
    users, sessions, turns, batches, llm_calls, facts, evidence, rejections, episodes, summaries, profiles, vectors
TO afterturn_app;
GRANT SELECT ON embedding_spaces TO afterturn_app, afterturn_worker;
GRANT USAGE ON SEQUENCE lease_tokens TO afterturn_worker;

DO $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY[
        'users', 'sessions', 'turns', 'batches', 'leases', 'answers', 'llm_calls', 'facts', 'evidence', 'rejections',
        'episodes', 'summaries', 'profiles', 'vectors', 'erasures', 'audit_log'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
        EXECUTE format(
            'CREATE POLICY owner_only ON %I TO afterturn_app USING ('
            'tenant_id = current_setting(''afterturn.tenant'', true) '
            'AND user_id = current_setting(''afterturn.user'', true))',
            table_name);
        EXECUTE format('CREATE POLICY all_users ON %I TO afterturn_worker USING (true) WITH CHECK (true)', table_name);
    END LOOP;
END
$$;
