-- from: 0
CREATE TABLE person (
    person_key BIGINT NOT NULL,
    known_from BIGINT NOT NULL,
    known_to BIGINT NOT NULL,
    packed BLOB NOT NULL,
    PRIMARY KEY (person_key, known_from)
) /* clustered */;
CREATE TABLE person_alias (
    person_key BIGINT NOT NULL PRIMARY KEY,
    current_key BIGINT NOT NULL
);
CREATE TABLE person_now (
    person_key BIGINT NOT NULL,
    section BIGINT NOT NULL,
    version BIGINT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (person_key, section)
) /* clustered */;
