-- Write one draw whole: contract, plan, payout, the draw itself, the act in the trail and the notice. It only writes: every
-- rule was asked before, under the line's lock, by credit.operations.draw_down.
CREATE FUNCTION credit_write_draw(loan jsonb, plain jsonb, plan jsonb, payout jsonb, draw jsonb, entry jsonb, notice jsonb,
                                  OUT loan_id bigint, OUT payout_id bigint, OUT draw_id bigint, OUT written_at timestamptz)
LANGUAGE plpgsql AS $$
BEGIN
    SELECT made.loan_id, made.payout_id INTO loan_id, payout_id
    FROM loans_write_contract(loan, plain, plan, payout) AS made;
    draw_id := nextval('credit_drawdown_id_seq');
    written_at := statement_timestamp();
    INSERT INTO credit_drawdown
    SELECT made.* FROM jsonb_populate_record(NULL::credit_drawdown, draw || jsonb_build_object(
        'id', draw_id, 'loan_id', loan_id, 'created_at', written_at)) AS made;
    PERFORM accounts_write_act(entry, notice);
END
$$;
