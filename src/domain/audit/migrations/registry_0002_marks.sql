-- from: 1
ALTER TABLE intent_applied ADD COLUMN marked_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX intent_applied_by_age ON intent_applied (marked_at, intent_id);
