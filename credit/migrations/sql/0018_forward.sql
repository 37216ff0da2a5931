-- What a decision was made from, why, and in whose words goes when its years are over. Outcome, limit and price stay: they
-- are figures of the lender's book, of somebody who has no name there any more.
CREATE FUNCTION credit_decision_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    emptied credit_decision := OLD;
BEGIN
    emptied.inputs := '{}';
    emptied.reasons := '[]';
    emptied.note := CASE WHEN OLD.decided_by_id IS NULL THEN '' ELSE '—' END;
    IF NEW IS NOT DISTINCT FROM emptied
       AND accounts_may_forget((SELECT borrower_id FROM credit_application WHERE id = OLD.application_id)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION credit_limitchange_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    emptied credit_limitchange := OLD;
BEGIN
    emptied.inputs := '{}';
    emptied.note := '';
    IF NEW IS NOT DISTINCT FROM emptied
       AND accounts_may_forget((SELECT borrower_id FROM credit_creditline WHERE id = OLD.line_id)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

DROP TRIGGER credit_decision_append_only ON credit_decision;
DROP TRIGGER credit_limitchange_append_only ON credit_limitchange;
CREATE TRIGGER credit_decision_append_only BEFORE UPDATE ON credit_decision
    FOR EACH ROW EXECUTE FUNCTION credit_decision_guard();
CREATE TRIGGER credit_decision_no_delete BEFORE DELETE ON credit_decision
    FOR EACH ROW EXECUTE FUNCTION credit_refuse_change();
CREATE TRIGGER credit_limitchange_append_only BEFORE UPDATE ON credit_limitchange
    FOR EACH ROW EXECUTE FUNCTION credit_limitchange_guard();
CREATE TRIGGER credit_limitchange_no_delete BEFORE DELETE ON credit_limitchange
    FOR EACH ROW EXECUTE FUNCTION credit_refuse_change();

-- The portal's own role may not UPDATE history; this one change it may ask for, and the guards above judge it.
CREATE FUNCTION credit_forget_decisions(subject bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    gone bigint;
BEGIN
    UPDATE credit_decision d SET inputs = '{}', reasons = '[]', note = CASE WHEN d.decided_by_id IS NULL THEN '' ELSE '—' END
      FROM credit_application a WHERE a.id = d.application_id AND a.borrower_id = subject AND d.inputs <> '{}';
    GET DIAGNOSTICS gone = ROW_COUNT;
    UPDATE credit_limitchange c SET inputs = '{}', note = ''
      FROM credit_creditline l WHERE l.id = c.line_id AND l.borrower_id = subject AND (c.inputs <> '{}' OR c.note <> '');
    RETURN gone;
END $$;
