-- from: 2
CREATE TABLE told (
    person_key BIGINT NOT NULL,
    lane BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    organisation_key BIGINT NOT NULL,
    care_day BIGINT NOT NULL,
    source BIGINT NOT NULL,
    result BIGINT NOT NULL,
    coverage_key BIGINT NOT NULL,
    PRIMARY KEY (person_key, lane, sequence)
) /* clustered */;
CREATE TABLE told_upto (
    lane BIGINT NOT NULL PRIMARY KEY,
    sequence BIGINT NOT NULL
);
CREATE TABLE correction (
    organisation_key BIGINT NOT NULL,
    correction_id BIGINT NOT NULL,
    lane BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    care_day BIGINT NOT NULL,
    told_result BIGINT NOT NULL,
    now_result BIGINT NOT NULL,
    hint BIGINT NOT NULL,
    made_at BIGINT NOT NULL,
    PRIMARY KEY (organisation_key, correction_id)
) /* clustered */;
CREATE TABLE correction_feed (
    id BIGINT NOT NULL PRIMARY KEY,
    known_seq BIGINT NOT NULL,
    person_key BIGINT NOT NULL,
    next_id BIGINT NOT NULL
);
INSERT INTO correction_feed (id, known_seq, person_key, next_id) VALUES (1, 0, 0, 1);
