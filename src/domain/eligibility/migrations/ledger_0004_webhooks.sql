-- from: 3
CREATE TABLE webhook (
    organisation_key BIGINT NOT NULL PRIMARY KEY,
    url TEXT NOT NULL,
    generation BIGINT NOT NULL,
    delivered_upto BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    next_try_at BIGINT NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX webhook_due ON webhook (next_try_at, organisation_key);
