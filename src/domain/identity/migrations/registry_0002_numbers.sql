-- from: 1
CREATE TABLE number_tag (
    tag BLOB NOT NULL PRIMARY KEY,
    person_key BIGINT NOT NULL
) /* clustered */;
CREATE TABLE individual_number (
    person_key BIGINT NOT NULL,
    known_from BIGINT NOT NULL,
    key_id BIGINT NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (person_key, known_from)
) /* clustered */;
CREATE TABLE resident (
    tag BLOB NOT NULL PRIMARY KEY,
    packed BLOB NOT NULL
) /* clustered */;
CREATE TABLE key_counter (
    id BIGINT NOT NULL PRIMARY KEY,
    next_key BIGINT NOT NULL
);
INSERT INTO key_counter (id, next_key) VALUES (1, 1000000000000);
