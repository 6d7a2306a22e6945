-- from: 0
CREATE TABLE card_suspension (
    ca_id BIGINT NOT NULL,
    serial BLOB NOT NULL,
    state BIGINT NOT NULL,
    since BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (ca_id, serial)
) /* clustered */;
CREATE TABLE use_registration (
    person_key BIGINT NOT NULL PRIMARY KEY,
    state BIGINT NOT NULL,
    since BIGINT NOT NULL,
    channel BIGINT NOT NULL,
    version BIGINT NOT NULL
);
