-- The share of borrowers that a change proposes is what was proposed, like the rest of it.
CREATE OR REPLACE FUNCTION risk_modelstatechange_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.decision <> 'PENDING'
       OR ROW(NEW.ref, NEW.version_id, NEW.from_state, NEW.to_state, NEW.manifest_sha256, NEW.proposed_by_id,
              NEW.is_installation, NEW.proposed_at, NEW.traffic_percent)
          IS DISTINCT FROM
          ROW(OLD.ref, OLD.version_id, OLD.from_state, OLD.to_state, OLD.manifest_sha256, OLD.proposed_by_id,
              OLD.is_installation, OLD.proposed_at, OLD.traffic_percent) THEN
        RAISE EXCEPTION 'a change of a model is decided once, as it was proposed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
