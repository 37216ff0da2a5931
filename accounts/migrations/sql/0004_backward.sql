ALTER TABLE accounts_proposal DROP CONSTRAINT proposal_hash_of_payload;
DROP TRIGGER proposal_no_truncate ON accounts_proposal;
DROP TRIGGER proposal_no_delete ON accounts_proposal;
DROP TRIGGER proposal_decided_once ON accounts_proposal;
DROP FUNCTION accounts_proposal_guard();
