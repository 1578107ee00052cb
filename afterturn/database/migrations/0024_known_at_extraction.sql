-- Extraction is shown known facts, and says how new statements are related to them.
-- The known facts that the model was shown, in the order of their labels.
ALTER TABLE answers ADD COLUMN known_ids uuid[];
ALTER TABLE answer_pieces ADD COLUMN known_ids uuid[];
-- Known fact -> relation. Null where the candidate is related to none.
ALTER TABLE candidates ADD COLUMN relations jsonb;
