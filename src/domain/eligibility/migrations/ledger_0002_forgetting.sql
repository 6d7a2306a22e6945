-- from: 1
ALTER TABLE used_check ADD COLUMN used_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX used_check_by_age ON used_check (used_at, terminal_key, check_id);
ALTER TABLE consent_given ADD COLUMN given_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX consent_given_by_age ON consent_given (given_at, lane, sequence);
CREATE INDEX visual_use_by_day ON visual_use (day, organisation_key, reference);
