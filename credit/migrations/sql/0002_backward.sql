DROP TRIGGER credit_policy_immutable ON credit_policy;
DROP FUNCTION credit_policy_guard();
DROP TRIGGER credit_drawdown_append_only ON credit_drawdown;
DROP TRIGGER credit_limitchange_append_only ON credit_limitchange;
DROP TRIGGER credit_decision_append_only ON credit_decision;
DROP FUNCTION credit_refuse_change();
