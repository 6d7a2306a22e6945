-- from: 0
CREATE TABLE used_challenge (
    expires_at BIGINT NOT NULL,
    nonce BLOB NOT NULL,
    person_key BIGINT NOT NULL,
    lane BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    PRIMARY KEY (expires_at, nonce, person_key)
) /* clustered */;
CREATE TABLE used_check (
    terminal_key BIGINT NOT NULL,
    check_id BLOB NOT NULL,
    lane BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    PRIMARY KEY (terminal_key, check_id)
) /* clustered */;
CREATE TABLE consent_given (
    lane BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    digest BLOB NOT NULL,
    consent_lane BIGINT NOT NULL,
    consent_sequence BIGINT NOT NULL,
    PRIMARY KEY (lane, sequence)
) /* clustered */;
CREATE TABLE visual_use (
    organisation_key BIGINT NOT NULL,
    reference TEXT NOT NULL,
    day BIGINT NOT NULL,
    used BIGINT NOT NULL,
    PRIMARY KEY (organisation_key, reference, day)
) /* clustered */;
