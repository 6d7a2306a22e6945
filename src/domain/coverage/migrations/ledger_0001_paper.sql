-- from: 0
CREATE TABLE paper_order (
    insurer_number BIGINT NOT NULL,
    coverage_key BIGINT NOT NULL,
    person_key BIGINT NOT NULL,
    reason BIGINT NOT NULL,
    state BIGINT NOT NULL,
    since BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (insurer_number, coverage_key)
) /* clustered */;
