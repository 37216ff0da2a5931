-- History is append-only, whoever asks: decisions, changes of limits and drawdowns are never changed or deleted,
-- and a policy's document never changes once the row exists.
CREATE FUNCTION credit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER credit_decision_append_only BEFORE UPDATE OR DELETE ON credit_decision
    FOR EACH ROW EXECUTE FUNCTION credit_refuse_change();
CREATE TRIGGER credit_limitchange_append_only BEFORE UPDATE OR DELETE ON credit_limitchange
    FOR EACH ROW EXECUTE FUNCTION credit_refuse_change();
CREATE TRIGGER credit_drawdown_append_only BEFORE UPDATE OR DELETE ON credit_drawdown
    FOR EACH ROW EXECUTE FUNCTION credit_refuse_change();

CREATE FUNCTION credit_policy_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.state <> 'DRAFT' THEN
        RAISE EXCEPTION 'a policy that left draft is kept' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.document <> OLD.document OR NEW.document_sha256 <> OLD.document_sha256
                             OR NEW.version <> OLD.version) THEN
        RAISE EXCEPTION 'a policy document never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER credit_policy_immutable BEFORE UPDATE OR DELETE ON credit_policy
    FOR EACH ROW EXECUTE FUNCTION credit_policy_guard();
