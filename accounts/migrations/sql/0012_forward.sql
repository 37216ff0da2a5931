-- What a law made us keep of somebody who was erased ends once its years are over. Nothing goes without a line in the trail:
-- the entry that says so is written first, and stays.
CREATE FUNCTION accounts_may_forget(subject bigint) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN EXISTS (
        SELECT 1 FROM accounts_borrower b
          JOIN accounts_auditentry e ON e.object_type = 'Borrower' AND e.object_ref = b.ref::text
         WHERE b.id = subject AND b.status = 'ERASED'
           AND (e.action = 'borrower.purged'
                OR e.action = 'borrower.erased' AND e.after->>'kept_by_law' = 'false'));
END
$$;

CREATE FUNCTION accounts_consent_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.withdrawn_at IS NOT NULL AND accounts_may_forget(OLD.borrower_id) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'DELETE of accounts_consent is refused: it is history' USING ERRCODE = 'restrict_violation';
END
$$;

DROP TRIGGER consent_no_delete ON accounts_consent;
CREATE TRIGGER consent_no_delete BEFORE DELETE ON accounts_consent
    FOR EACH ROW EXECUTE FUNCTION accounts_consent_end();
