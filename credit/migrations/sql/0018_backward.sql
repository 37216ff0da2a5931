DROP FUNCTION credit_forget_decisions(bigint);
DROP TRIGGER credit_limitchange_no_delete ON credit_limitchange;
DROP TRIGGER credit_limitchange_append_only ON credit_limitchange;
DROP TRIGGER credit_decision_no_delete ON credit_decision;
DROP TRIGGER credit_decision_append_only ON credit_decision;
CREATE TRIGGER credit_decision_append_only BEFORE UPDATE OR DELETE ON credit_decision
    FOR EACH ROW EXECUTE FUNCTION credit_refuse_change();
CREATE TRIGGER credit_limitchange_append_only BEFORE UPDATE OR DELETE ON credit_limitchange
    FOR EACH ROW EXECUTE FUNCTION credit_refuse_change();
DROP FUNCTION credit_limitchange_guard();
DROP FUNCTION credit_decision_guard();
