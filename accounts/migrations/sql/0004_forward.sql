-- A proposal is decided once; what was proposed, by whom and until when never changes, and no proposal is ever deleted.
CREATE FUNCTION accounts_proposal_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status <> 'OPEN' THEN
        RAISE EXCEPTION 'UPDATE of accounts_proposal is refused: it was decided already' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.ref, NEW.kind, NEW.payload, NEW.payload_sha256, NEW.object_type, NEW.object_ref, NEW.label, NEW.reason,
        NEW.maker_id, NEW.created_at, NEW.expires_at)
       IS DISTINCT FROM
       (OLD.ref, OLD.kind, OLD.payload, OLD.payload_sha256, OLD.object_type, OLD.object_ref, OLD.label, OLD.reason,
        OLD.maker_id, OLD.created_at, OLD.expires_at) THEN
        RAISE EXCEPTION 'UPDATE of accounts_proposal is refused: what was proposed does not change'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER proposal_decided_once BEFORE UPDATE ON accounts_proposal
    FOR EACH ROW EXECUTE FUNCTION accounts_proposal_guard();
CREATE TRIGGER proposal_no_delete BEFORE DELETE ON accounts_proposal
    FOR EACH ROW EXECUTE FUNCTION accounts_refuse_change();
CREATE TRIGGER proposal_no_truncate BEFORE TRUNCATE ON accounts_proposal
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_refuse_change();
ALTER TABLE accounts_proposal ADD CONSTRAINT proposal_hash_of_payload
    CHECK (payload_sha256 = encode(sha256(convert_to(payload, 'UTF8')), 'hex'));
