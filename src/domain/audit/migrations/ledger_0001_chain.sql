-- from: 0
CREATE TABLE chain_lane (
    lane BIGINT NOT NULL PRIMARY KEY,
    hub TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    head_sequence BIGINT NOT NULL,
    head_hash BLOB NOT NULL
);
CREATE TABLE audit_record (
    lane BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    event BIGINT NOT NULL,
    organisation_key BIGINT NOT NULL,
    terminal_key BIGINT NOT NULL,
    actor TEXT NOT NULL,
    payload_digest BLOB NOT NULL,
    hash BLOB NOT NULL,
    payload BLOB,
    PRIMARY KEY (lane, sequence)
) /* clustered */;
CREATE TABLE audit_seal (
    lane BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    hash BLOB NOT NULL,
    sealed_at BIGINT NOT NULL,
    key_id TEXT NOT NULL,
    signature BLOB NOT NULL,
    PRIMARY KEY (lane, sequence)
) /* clustered */;
