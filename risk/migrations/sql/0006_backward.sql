DROP TRIGGER risk_assessment_no_delete ON risk_assessment;
DROP TRIGGER risk_assessment_kept ON risk_assessment;
CREATE TRIGGER risk_assessment_kept BEFORE UPDATE OR DELETE ON risk_assessment
    FOR EACH ROW EXECUTE FUNCTION risk_refuse_change();
DROP FUNCTION risk_assessment_guard();
