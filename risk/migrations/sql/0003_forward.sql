-- What decided stays as it decided. A model's bytes, digests and report never change and no version is deleted: only
-- its state and its share of traffic move. A change of state is decided once. An assessment is written once: replay
-- compares it with what its model says of its facts, and a row that could be edited would prove nothing.
CREATE FUNCTION risk_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is kept as it was written', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION risk_modelversion_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF ROW(NEW.id, NEW.ref, NEW.name, NEW.kind, NEW.model_text, NEW.manifest, NEW.signature, NEW.model_sha256,
           NEW.manifest_sha256, NEW.registry_digest, NEW.report, NEW.card_html, NEW.made_by_id, NEW.created_at)
       IS DISTINCT FROM
       ROW(OLD.id, OLD.ref, OLD.name, OLD.kind, OLD.model_text, OLD.manifest, OLD.signature, OLD.model_sha256,
           OLD.manifest_sha256, OLD.registry_digest, OLD.report, OLD.card_html, OLD.made_by_id, OLD.created_at) THEN
        RAISE EXCEPTION 'a model version never changes; only its state and traffic do' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER risk_modelversion_immutable BEFORE UPDATE ON risk_modelversion
    FOR EACH ROW EXECUTE FUNCTION risk_modelversion_guard();
CREATE TRIGGER risk_modelversion_kept BEFORE DELETE ON risk_modelversion
    FOR EACH ROW EXECUTE FUNCTION risk_refuse_change();

CREATE FUNCTION risk_modelstatechange_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.decision <> 'PENDING'
       OR ROW(NEW.ref, NEW.version_id, NEW.from_state, NEW.to_state, NEW.manifest_sha256, NEW.proposed_by_id,
              NEW.is_installation, NEW.proposed_at)
          IS DISTINCT FROM
          ROW(OLD.ref, OLD.version_id, OLD.from_state, OLD.to_state, OLD.manifest_sha256, OLD.proposed_by_id,
              OLD.is_installation, OLD.proposed_at) THEN
        RAISE EXCEPTION 'a change of a model is decided once, as it was proposed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER risk_modelstatechange_once BEFORE UPDATE ON risk_modelstatechange
    FOR EACH ROW EXECUTE FUNCTION risk_modelstatechange_guard();
CREATE TRIGGER risk_modelstatechange_kept BEFORE DELETE ON risk_modelstatechange
    FOR EACH ROW EXECUTE FUNCTION risk_refuse_change();

CREATE TRIGGER risk_assessment_kept BEFORE UPDATE OR DELETE ON risk_assessment
    FOR EACH ROW EXECUTE FUNCTION risk_refuse_change();

CREATE TRIGGER risk_modelversion_no_truncate BEFORE TRUNCATE ON risk_modelversion
    FOR EACH STATEMENT EXECUTE FUNCTION risk_refuse_change();
CREATE TRIGGER risk_modelstatechange_no_truncate BEFORE TRUNCATE ON risk_modelstatechange
    FOR EACH STATEMENT EXECUTE FUNCTION risk_refuse_change();
CREATE TRIGGER risk_assessment_no_truncate BEFORE TRUNCATE ON risk_assessment
    FOR EACH STATEMENT EXECUTE FUNCTION risk_refuse_change();
