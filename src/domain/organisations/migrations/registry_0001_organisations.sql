-- from: 0
CREATE TABLE organisation (
    organisation_key BIGINT NOT NULL PRIMARY KEY,
    kind BIGINT NOT NULL,
    code BIGINT NOT NULL,
    name TEXT NOT NULL,
    phone TEXT NOT NULL,
    valid_from BIGINT NOT NULL,
    valid_to BIGINT NOT NULL
);
CREATE UNIQUE INDEX organisation_code ON organisation (kind, code);
CREATE TABLE terminal (
    terminal_key BIGINT NOT NULL PRIMARY KEY,
    organisation_key BIGINT NOT NULL,
    name TEXT NOT NULL,
    roles BIGINT NOT NULL,
    methods BIGINT NOT NULL,
    state BIGINT NOT NULL,
    fingerprint BLOB,
    certificate BLOB,
    certificate_until BIGINT NOT NULL,
    previous_fingerprint BLOB,
    previous_until BIGINT NOT NULL,
    enrol_digest BLOB,
    enrol_until BIGINT NOT NULL,
    version BIGINT NOT NULL
);
CREATE UNIQUE INDEX terminal_fingerprint ON terminal (fingerprint);
CREATE INDEX terminal_previous_fingerprint ON terminal (previous_fingerprint);
CREATE INDEX terminal_enrol_digest ON terminal (enrol_digest);
CREATE TABLE account (
    organisation_key BIGINT NOT NULL,
    reference TEXT NOT NULL,
    state BIGINT NOT NULL,
    visual_checks_per_day BIGINT NOT NULL,
    PRIMARY KEY (organisation_key, reference)
) /* clustered */;
