-- from: 0
CREATE TABLE person_certificate (
    person_key BIGINT NOT NULL,
    certificate_key BIGINT NOT NULL,
    known_from BIGINT NOT NULL,
    known_to BIGINT NOT NULL,
    packed BLOB NOT NULL,
    PRIMARY KEY (person_key, certificate_key, known_from)
) /* clustered */;
CREATE TABLE insurer_ratios (
    insurer_number BIGINT NOT NULL PRIMARY KEY,
    records BIGINT NOT NULL,
    blank BIGINT NOT NULL,
    blank_limit BIGINT NOT NULL,
    pattern BLOB NOT NULL
);
