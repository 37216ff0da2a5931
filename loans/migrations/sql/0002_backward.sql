DROP TRIGGER collection_guard ON loans_collection;
DROP TRIGGER payout_guard ON loans_payout;
DROP TRIGGER loan_terms_frozen ON loans_loan;
DROP TRIGGER event_no_truncate ON loans_event;
DROP TRIGGER event_append_only ON loans_event;
DROP FUNCTION loans_guard_movement();
DROP FUNCTION loans_guard_terms();
DROP FUNCTION loans_refuse_change();
