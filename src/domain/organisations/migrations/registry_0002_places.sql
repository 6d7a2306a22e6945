-- from: 1
CREATE TABLE organisation_place (
    organisation_key BIGINT NOT NULL PRIMARY KEY,
    municipality BIGINT NOT NULL
);
