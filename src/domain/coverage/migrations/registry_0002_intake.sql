-- from: 1
CREATE TABLE withheld_record (
    person_key BIGINT NOT NULL,
    coverage_key BIGINT NOT NULL,
    insurer_number BIGINT NOT NULL,
    severity BIGINT NOT NULL,
    state BIGINT NOT NULL,
    opened_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    cause TEXT NOT NULL,
    packed BLOB NOT NULL,
    PRIMARY KEY (person_key, coverage_key)
) /* clustered */;
CREATE INDEX withheld_by_insurer ON withheld_record (insurer_number, state, person_key, coverage_key);
CREATE TABLE insurer_members (
    insurer_number BIGINT NOT NULL PRIMARY KEY,
    members BIGINT NOT NULL
);
CREATE TABLE intake_file (
    file_id BIGINT NOT NULL PRIMARY KEY,
    digest BLOB NOT NULL,
    scope BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    state BIGINT NOT NULL,
    version BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    received_by TEXT NOT NULL,
    released_by TEXT NOT NULL,
    progress BLOB NOT NULL
);
CREATE UNIQUE INDEX intake_file_by_digest ON intake_file (digest, scope);
