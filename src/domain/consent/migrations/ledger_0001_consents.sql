-- from: 0
CREATE TABLE consent (
    person_key BIGINT NOT NULL,
    organisation_key BIGINT NOT NULL,
    item BIGINT NOT NULL,
    given_at BIGINT NOT NULL,
    choice BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    lane BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    PRIMARY KEY (person_key, organisation_key, item, given_at)
) /* clustered */;
