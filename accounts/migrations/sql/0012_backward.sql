DROP TRIGGER consent_no_delete ON accounts_consent;
CREATE TRIGGER consent_no_delete BEFORE DELETE ON accounts_consent
    FOR EACH ROW EXECUTE FUNCTION accounts_refuse_change();
DROP FUNCTION accounts_consent_end();
DROP FUNCTION accounts_may_forget(bigint);
