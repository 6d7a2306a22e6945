-- from: 2
CREATE TABLE coverage_change (
    known_seq BIGINT NOT NULL,
    person_key BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (known_seq, person_key)
) /* clustered */;
