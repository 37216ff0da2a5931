-- A loan's truth is its events: they are added and never changed.
CREATE FUNCTION loans_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: events are append-only, undo one by a reversal', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE ON loans_event
    FOR EACH ROW EXECUTE FUNCTION loans_refuse_change();
CREATE TRIGGER event_no_truncate BEFORE TRUNCATE ON loans_event
    FOR EACH STATEMENT EXECUTE FUNCTION loans_refuse_change();

-- What was agreed never changes; the projection beside it does.
CREATE FUNCTION loans_guard_terms() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.terms IS DISTINCT FROM OLD.terms OR NEW.principal <> OLD.principal OR NEW.borrower_id <> OLD.borrower_id
       OR NEW.currency <> OLD.currency OR NEW.reference <> OLD.reference OR NEW.portfolio <> OLD.portfolio THEN
        RAISE EXCEPTION 'the terms of loan % are frozen: add an event', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER loan_terms_frozen BEFORE UPDATE OF terms, principal, borrower_id, currency, reference, portfolio
    ON loans_loan FOR EACH ROW EXECUTE FUNCTION loans_guard_terms();

-- A movement of money that has ended does not begin again, and neither its amount nor its references change.
CREATE FUNCTION loans_guard_movement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.amount <> OLD.amount OR NEW.gateway_reference <> OLD.gateway_reference OR NEW.loan_id <> OLD.loan_id
       OR (OLD.provider_reference IS NOT NULL AND NEW.provider_reference IS DISTINCT FROM OLD.provider_reference)
       OR (OLD.status IN ('CONFIRMED', 'REFUSED') AND NEW.status <> OLD.status) THEN
        RAISE EXCEPTION '% %: a movement that ended, its amount and its references do not change', TG_TABLE_NAME, OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER payout_guard BEFORE UPDATE ON loans_payout FOR EACH ROW EXECUTE FUNCTION loans_guard_movement();
CREATE TRIGGER collection_guard BEFORE UPDATE ON loans_collection FOR EACH ROW EXECUTE FUNCTION loans_guard_movement();
