-- from: 3
CREATE TABLE person_reading (
    birth BIGINT NOT NULL,
    reading BIGINT NOT NULL,
    person_key BIGINT NOT NULL,
    PRIMARY KEY (birth, reading, person_key)
) /* clustered */;
