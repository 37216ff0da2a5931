-- Write a contract, its plan and its first payout in the caller's statement. Columns come by name, so a later column needs
-- no new function; `plain` holds the columns of an instalment that are alike in all of them.
CREATE FUNCTION loans_write_contract(loan jsonb, plain jsonb, plan jsonb, payout jsonb,
                                     OUT loan_id bigint, OUT payout_id bigint) LANGUAGE plpgsql AS $$
BEGIN
    loan_id := nextval('loans_loan_id_seq');
    payout_id := nextval('loans_payout_id_seq');
    INSERT INTO loans_loan
    SELECT made.* FROM jsonb_populate_record(NULL::loans_loan, loan || jsonb_build_object(
        'id', loan_id, 'created_at', statement_timestamp())) AS made;
    INSERT INTO loans_instalment
    SELECT made.* FROM jsonb_populate_recordset(
        jsonb_populate_record(NULL::loans_instalment, plain || jsonb_build_object('loan_id', loan_id)),
        (SELECT jsonb_agg(row || jsonb_build_object('id', nextval('loans_instalment_id_seq')) ORDER BY place)
         FROM jsonb_array_elements(plan) WITH ORDINALITY AS rows (row, place))) AS made;
    INSERT INTO loans_payout
    SELECT made.* FROM jsonb_populate_record(NULL::loans_payout, payout || jsonb_build_object(
        'id', payout_id, 'loan_id', loan_id, 'created_at', statement_timestamp())) AS made;
END
$$;
