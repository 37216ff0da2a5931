-- The facts of an assessment go when the years of the decision that it served are over; what was said of them stays a number.
CREATE FUNCTION risk_assessment_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    emptied risk_assessment := OLD;
BEGIN
    emptied.facts := '\x';
    emptied.reasons := '[]';
    IF NEW IS NOT DISTINCT FROM emptied AND accounts_may_forget(OLD.subject_id) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is kept as it was written', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
DROP TRIGGER risk_assessment_kept ON risk_assessment;
CREATE TRIGGER risk_assessment_kept BEFORE UPDATE ON risk_assessment
    FOR EACH ROW EXECUTE FUNCTION risk_assessment_guard();
CREATE TRIGGER risk_assessment_no_delete BEFORE DELETE ON risk_assessment
    FOR EACH ROW EXECUTE FUNCTION risk_refuse_change();
