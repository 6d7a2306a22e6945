-- from: 2
CREATE INDEX intent_by_age ON intent (opened_at, intent_id);
