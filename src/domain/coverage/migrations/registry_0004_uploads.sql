-- from: 3
CREATE TABLE members_upload (
    insurer_number BIGINT NOT NULL,
    upload_id BLOB NOT NULL,
    lane BIGINT NOT NULL,
    state BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    packed BLOB NOT NULL,
    PRIMARY KEY (insurer_number, upload_id)
) /* clustered */;
CREATE INDEX members_upload_by_state ON members_upload (lane, state, received_at);
CREATE INDEX members_upload_by_age ON members_upload (insurer_number, received_at);
