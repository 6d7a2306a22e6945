-- from: 4
CREATE TABLE paper_document (
    person_key BIGINT NOT NULL,
    coverage_key BIGINT NOT NULL,
    issued_on BIGINT NOT NULL,
    kind BIGINT NOT NULL,
    valid_to BIGINT NOT NULL,
    insurer_number BIGINT NOT NULL,
    PRIMARY KEY (person_key, coverage_key, issued_on, kind)
) /* clustered */;
