-- History is append-only, for every role that can connect.
CREATE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: the books are append-only, correct by a reversal', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER journal_append_only BEFORE UPDATE OR DELETE ON ledger_journal
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER journal_no_truncate BEFORE TRUNCATE ON ledger_journal
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER posting_append_only BEFORE UPDATE OR DELETE ON ledger_posting
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER posting_no_truncate BEFORE TRUNCATE ON ledger_posting
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER account_no_truncate BEFORE TRUNCATE ON ledger_account
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

-- A journal is whole in the transaction that wrote it: two postings or more, debits equal to credits. The check waits
-- for the commit, so that postings may come one by one.
CREATE FUNCTION ledger_check_journal() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    subject bigint;
    lines integer;
    difference numeric;
BEGIN
    IF TG_TABLE_NAME = 'ledger_journal' THEN subject := NEW.id; ELSE subject := NEW.journal_id; END IF;
    SELECT count(*), coalesce(sum(CASE direction WHEN 'D' THEN amount ELSE -amount END), 0)
      INTO lines, difference FROM ledger_posting WHERE journal_id = subject;
    IF lines < 2 THEN
        RAISE EXCEPTION 'journal % has % posting(s), at least two are needed', subject, lines
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_journal_has_two_sides';
    END IF;
    IF difference <> 0 THEN
        RAISE EXCEPTION 'journal % does not balance: debits less credits are %', subject, difference
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_journal_balances';
    END IF;
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER journal_balances AFTER INSERT ON ledger_journal
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_check_journal();

-- Postings are accepted in their journal's own transaction alone, so the check above has seen all of them.
CREATE FUNCTION ledger_guard_posting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM ledger_journal j JOIN added a ON a.journal_id = j.id WHERE j.written_in <> txid_current()) THEN
        RAISE EXCEPTION 'the journal is written: correct by a reversal and a new journal'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER posting_with_its_journal AFTER INSERT ON ledger_posting
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger_guard_posting();

-- Nothing is booked into a closed period, nor before the books were opened; the stamp of the transaction is not the
-- caller's to choose.
CREATE FUNCTION ledger_guard_journal() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    books ledger_bookdate;
BEGIN
    NEW.written_in := txid_current();
    SELECT * INTO books FROM ledger_bookdate WHERE id = 1;
    IF books.id IS NULL THEN
        RAISE EXCEPTION 'the books are not open' USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_books_are_open';
    END IF;
    IF NEW.booked_date <= books.closed_through OR NEW.booked_date < books.first_date THEN
        RAISE EXCEPTION 'the books are closed through %: % cannot be booked', coalesce(books.closed_through, books.first_date - 1), NEW.booked_date
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_period_is_open';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER journal_in_open_period BEFORE INSERT ON ledger_journal
    FOR EACH ROW EXECUTE FUNCTION ledger_guard_journal();

-- The business date and the closing run forward only.
CREATE FUNCTION ledger_guard_dates() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.business_date < OLD.business_date OR NEW.first_date <> OLD.first_date
       OR (OLD.closed_through IS NOT NULL AND (NEW.closed_through IS NULL OR NEW.closed_through < OLD.closed_through)) THEN
        RAISE EXCEPTION 'the business date and the closing of a period run forward only'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER book_date_runs_forward BEFORE UPDATE OR DELETE ON ledger_bookdate
    FOR EACH ROW EXECUTE FUNCTION ledger_guard_dates();
