-- from: 0
CREATE TABLE payment_book (
    person_key BIGINT NOT NULL,
    programme BIGINT NOT NULL,
    month BIGINT NOT NULL,
    paid BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (person_key, programme, month)
) /* clustered */;
CREATE TABLE payment_posting (
    person_key BIGINT NOT NULL,
    posting_id BLOB NOT NULL,
    organisation_key BIGINT NOT NULL,
    programme BIGINT NOT NULL,
    month BIGINT NOT NULL,
    digest BLOB NOT NULL,
    amount BIGINT NOT NULL,
    outpatient BIGINT NOT NULL,
    reversed BIGINT NOT NULL,
    lane BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    PRIMARY KEY (person_key, posting_id)
) /* clustered */;
CREATE TABLE subsidy_choice (
    lane BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    digest BLOB NOT NULL,
    chosen BIGINT NOT NULL,
    choice_lane BIGINT NOT NULL,
    choice_sequence BIGINT NOT NULL,
    chosen_at BIGINT NOT NULL,
    PRIMARY KEY (lane, sequence)
) /* clustered */;
CREATE INDEX subsidy_choice_by_age ON subsidy_choice (chosen_at, lane, sequence);
