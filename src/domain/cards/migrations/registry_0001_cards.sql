-- from: 0
CREATE TABLE card (
    ca_id BIGINT NOT NULL,
    serial BLOB NOT NULL,
    person_key BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    grace BIGINT NOT NULL,
    public_key BLOB,
    tag BLOB,
    version BIGINT NOT NULL,
    PRIMARY KEY (ca_id, serial)
) /* clustered */;
CREATE TABLE card_renewal (
    ca_id BIGINT NOT NULL,
    serial BLOB NOT NULL,
    new_ca_id BIGINT NOT NULL,
    new_serial BLOB NOT NULL,
    valid_from BIGINT NOT NULL,
    PRIMARY KEY (ca_id, serial)
) /* clustered */;
CREATE UNIQUE INDEX card_renewal_by_new ON card_renewal (new_ca_id, new_serial);
CREATE TABLE certificate_status (
    ca_id BIGINT NOT NULL,
    serial BLOB NOT NULL,
    status BIGINT NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (ca_id, serial)
) /* clustered */;
CREATE TABLE card_status_source (
    ca_id BIGINT NOT NULL PRIMARY KEY,
    as_of BIGINT NOT NULL,
    next_update BIGINT NOT NULL,
    number BLOB NOT NULL,
    version BIGINT NOT NULL
);
