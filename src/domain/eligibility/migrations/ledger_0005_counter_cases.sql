-- from: 4
CREATE TABLE counter_case (
    insurer_number BIGINT NOT NULL,
    lane BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    coverage_key BIGINT NOT NULL,
    organisation_key BIGINT NOT NULL,
    care_day BIGINT NOT NULL,
    cause TEXT NOT NULL,
    state BIGINT NOT NULL,
    opened_at BIGINT NOT NULL,
    PRIMARY KEY (insurer_number, lane, sequence)
) /* clustered */;
CREATE INDEX counter_case_by_answer ON counter_case (lane, sequence);
