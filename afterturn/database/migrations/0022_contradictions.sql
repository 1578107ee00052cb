-- Statements that cannot both be true, and merging that loses nothing (docs/explanation/decisions/052).

-- A fact that takes the place of another one, or that is made of two, shows their evidence too. It does not rest on it:
-- when its own turn is removed, it goes, and the other one is current again.
ALTER TABLE evidence ADD COLUMN is_inherited boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN evidence.is_inherited IS 'Evidence of a fact that this one refines or is made of.';

COMMENT ON COLUMN facts.ended_because IS
    'Why it is no longer current: newer_value, correction, judged, ended (a later statement says that it is over), merged, '
    'refined (a fuller wording took its place), united (its text is a part of another fact), settled (it contradicted a '
    'fact that was said again), expired, person, challenge, removed or deleted. Null while it is current.';

CREATE TABLE contradictions (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    -- Two facts, the smaller id first.
    fact_id uuid NOT NULL,
    other_id uuid NOT NULL,
    -- Until when both were said when they were linked: what is said later settles it.
    said_at timestamptz NOT NULL,
    found_at timestamptz NOT NULL DEFAULT now(),
    -- When one of them ceased to be current; null while both are.
    settled_at timestamptz,
    -- The fact that superseded it, if one did, and why: as in facts.ended_because.
    settled_by uuid,
    reason text,
    PRIMARY KEY (tenant_id, user_id, fact_id, other_id),
    CHECK (fact_id < other_id)
);
CREATE INDEX contradictions_by_other ON contradictions (tenant_id, user_id, other_id);

-- A contradiction is settled by whatever ends one of its facts. A fact that is merged, refined or united lives on in
-- another one, which then contradicts what it did. Only a trigger sees every statement that ends a fact.
CREATE FUNCTION settle_contradictions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.ended_because IN ('merged', 'refined', 'united') AND NEW.superseded_by IS NOT NULL THEN
        INSERT INTO contradictions (tenant_id, user_id, fact_id, other_id, said_at, found_at)
        SELECT k.tenant_id, k.user_id, least(o.fact_id, NEW.superseded_by), greatest(o.fact_id, NEW.superseded_by),
               k.said_at, k.found_at
        FROM contradictions AS k
        JOIN facts AS o ON o.tenant_id = k.tenant_id AND o.user_id = k.user_id AND o.status = 'current'
             AND o.fact_id = CASE WHEN k.fact_id = NEW.fact_id THEN k.other_id ELSE k.fact_id END
        WHERE k.tenant_id = NEW.tenant_id AND k.user_id = NEW.user_id AND k.settled_at IS NULL
              AND (k.fact_id = NEW.fact_id OR k.other_id = NEW.fact_id) AND o.fact_id <> NEW.superseded_by
        ON CONFLICT DO NOTHING;
    END IF;
    UPDATE contradictions SET settled_at = now(), settled_by = NEW.superseded_by, reason = NEW.ended_because
    WHERE tenant_id = NEW.tenant_id AND user_id = NEW.user_id AND settled_at IS NULL
          AND (fact_id = NEW.fact_id OR other_id = NEW.fact_id);
    RETURN NULL;
END
$$;
CREATE TRIGGER settle_contradictions AFTER UPDATE OF status ON facts FOR EACH ROW
    WHEN (OLD.status = 'current' AND NEW.status <> 'current') EXECUTE FUNCTION settle_contradictions();

-- The texts of the current facts that contradict a fact, those said last first.
CREATE FUNCTION contradicting_texts(of_tenant text, of_user text, of_fact uuid) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY(
        SELECT o.text
        FROM contradictions AS k
        JOIN facts AS o ON o.tenant_id = k.tenant_id AND o.user_id = k.user_id AND o.status = 'current'
             AND o.fact_id = CASE WHEN k.fact_id = of_fact THEN k.other_id ELSE k.fact_id END
        WHERE k.tenant_id = of_tenant AND k.user_id = of_user AND k.settled_at IS NULL
              AND (k.fact_id = of_fact OR k.other_id = of_fact)
        ORDER BY o.said_at DESC, o.fact_id
    )
$$;

-- The known facts with which the facts of a batch were compared, so that sleep does not compare them again.
CREATE TABLE compared_facts (
    tenant_id text NOT NULL,
    user_id text NOT NULL,
    batch_id uuid NOT NULL,
    fact_ids uuid[] NOT NULL,
    PRIMARY KEY (tenant_id, user_id, batch_id)
);
ALTER TABLE compared_facts ALTER COLUMN fact_ids SET STATISTICS 0;

GRANT SELECT, INSERT, UPDATE, DELETE ON contradictions, compared_facts TO afterturn_worker;
GRANT SELECT ON contradictions, compared_facts TO afterturn_app;
DO $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['contradictions', 'compared_facts'] LOOP
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
