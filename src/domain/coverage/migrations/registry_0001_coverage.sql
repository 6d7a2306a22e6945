-- from: 0
CREATE TABLE coverage (
    person_key BIGINT NOT NULL,
    coverage_key BIGINT NOT NULL,
    known_from BIGINT NOT NULL,
    known_to BIGINT NOT NULL,
    packed BLOB NOT NULL,
    PRIMARY KEY (person_key, coverage_key, known_from)
) /* clustered */;
CREATE TABLE coverage_number (
    insurer_number BIGINT NOT NULL,
    number TEXT NOT NULL,
    symbol TEXT NOT NULL,
    branch BIGINT NOT NULL,
    person_key BIGINT NOT NULL,
    coverage_key BIGINT NOT NULL,
    PRIMARY KEY (insurer_number, number, symbol, branch, person_key, coverage_key)
) /* clustered */;
