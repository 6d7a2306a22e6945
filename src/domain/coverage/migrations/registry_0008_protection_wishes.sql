-- from: 7
CREATE TABLE protection_wish (
    person_key BIGINT NOT NULL,
    flag BIGINT NOT NULL,
    asked_at BIGINT NOT NULL,
    asked_by TEXT NOT NULL,
    PRIMARY KEY (person_key, flag)
) /* clustered */;
