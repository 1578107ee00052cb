-- What kind of statement a fact is, and when it leaves default reads (docs/explanation/decisions/051). No table is rewritten
-- or read: facts of earlier releases get both in the next nightly consolidation of their user, and never fade until then.

ALTER TABLE facts ADD COLUMN life text, ADD COLUMN fades_at timestamptz;
ALTER TABLE facts ADD CONSTRAINT facts_life_check
    CHECK (life IN ('lasting', 'event', 'plan', 'state', 'attitude')) NOT VALID;
COMMENT ON COLUMN facts.life IS 'lasting, event, plan, state or attitude; null: a fact of an earlier release.';
COMMENT ON COLUMN facts.fades_at IS
    'When it leaves recall, context, profile and the list of current facts, compared with the time of the user''s newest '
    'turn; null: never. Nothing is written then.';
ALTER TABLE candidates ADD COLUMN life text;

-- The time of a user's newest turn, by which facts fade: an old conversation that is imported stays as it was when it ended.
-- `pending`: of a turn that is not archived yet. `archived_by`: only turns that were archived until then; null: all.
CREATE FUNCTION newest_said_at(tenant text, owner text, pending timestamptz, archived_by timestamptz)
RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
RETURN greatest(pending, (
    SELECT t.occurred_at FROM turns AS t
    WHERE t.tenant_id = tenant AND t.user_id = owner AND t.removed_at IS NULL AND t.role <> 'edit'
          AND (archived_by IS NULL OR t.archived_at <= archived_by)
    ORDER BY t.occurred_at DESC, t.position DESC
    LIMIT 1
));
