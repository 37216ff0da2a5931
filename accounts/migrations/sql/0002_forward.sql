-- The digest of an entry: its fields, each with its length in front, so that no two entries read alike.
-- accounts/domain/audit_chain.py computes the same in Python; the verifier does not trust this function.
CREATE FUNCTION accounts_audit_digest(entry accounts_auditentry) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT encode(sha256(convert_to(string_agg(octet_length(convert_to(part, 'UTF8')) || ':' || part, '|' ORDER BY place),
                                    'UTF8')), 'hex')
    FROM unnest(ARRAY[
        entry.prev_hash,
        entry.shard::text,
        entry.sequence::text,
        to_char(entry.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
        coalesce(entry.actor_id::text, ''),
        entry.actor_role,
        entry.action,
        entry.object_type,
        entry.object_ref,
        coalesce(entry.before::text, ''),
        coalesce(entry.after::text, ''),
        entry.reason,
        entry.request_id
    ]) WITH ORDINALITY AS parts(part, place)
$$;

-- One chain a shard, so that writers do not queue behind one row. A writer takes the first shard that is free, starting
-- from its own, and never waits unless all 64 are taken: an audit row cannot close a circle of locks.
CREATE FUNCTION accounts_audit_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    own integer := pg_backend_pid() % 64;
    step integer;
    taken boolean := false;
BEGIN
    FOR step IN 0..63 LOOP
        NEW.shard := (own + step) % 64;
        taken := pg_try_advisory_xact_lock(19541, NEW.shard);
        EXIT WHEN taken;
    END LOOP;
    IF NOT taken THEN
        NEW.shard := own;
        PERFORM pg_advisory_xact_lock(19541, own);
    END IF;
    NEW.at := clock_timestamp();
    SELECT sequence + 1, hash INTO NEW.sequence, NEW.prev_hash
    FROM accounts_auditentry WHERE shard = NEW.shard ORDER BY sequence DESC LIMIT 1;
    IF NEW.sequence IS NULL THEN
        NEW.sequence := 1;
        NEW.prev_hash := repeat('0', 64);
    END IF;
    NEW.hash := accounts_audit_digest(NEW);
    RETURN NEW;
END
$$;

CREATE FUNCTION accounts_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: history is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER audit_chain BEFORE INSERT ON accounts_auditentry
    FOR EACH ROW EXECUTE FUNCTION accounts_audit_chain();
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON accounts_auditentry
    FOR EACH ROW EXECUTE FUNCTION accounts_refuse_change();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON accounts_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_refuse_change();

-- A consent is ended once; nothing else of it ever changes.
CREATE FUNCTION accounts_consent_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ended accounts_consent := OLD;
BEGIN
    ended.withdrawn_at := NEW.withdrawn_at;
    IF OLD.withdrawn_at IS NULL AND NEW.withdrawn_at IS NOT NULL AND NEW IS NOT DISTINCT FROM ended THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'UPDATE of accounts_consent is refused: a consent can only be withdrawn, once'
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER consent_withdrawn_once BEFORE UPDATE ON accounts_consent
    FOR EACH ROW EXECUTE FUNCTION accounts_consent_guard();
CREATE TRIGGER consent_no_delete BEFORE DELETE ON accounts_consent
    FOR EACH ROW EXECUTE FUNCTION accounts_refuse_change();
CREATE TRIGGER consent_no_truncate BEFORE TRUNCATE ON accounts_consent
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_refuse_change();
