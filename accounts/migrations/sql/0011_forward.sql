-- Write one act into the trail and queue one notice, for a statement of another room. Columns come by name, so a later
-- column needs no new function. The notice is in its borrower's language; a repeat of its key changes nothing.
CREATE FUNCTION accounts_write_act(entry jsonb, notice jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    spoken text;
BEGIN
    INSERT INTO accounts_auditentry
    SELECT made.* FROM jsonb_populate_record(NULL::accounts_auditentry, entry || jsonb_build_object(
        'id', nextval('accounts_auditentry_id_seq'))) AS made;
    SELECT language INTO spoken FROM accounts_borrower
    WHERE id = (notice ->> 'borrower_id')::bigint AND status <> 'ERASED';
    IF FOUND THEN
        INSERT INTO accounts_notice
        SELECT made.* FROM jsonb_populate_record(NULL::accounts_notice, notice || jsonb_build_object(
            'id', nextval('accounts_notice_id_seq'), 'language', spoken, 'created_at', statement_timestamp())) AS made
        ON CONFLICT (dedup_key, channel) DO NOTHING;
    END IF;
END
$$;
