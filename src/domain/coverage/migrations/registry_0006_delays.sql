-- from: 5
CREATE TABLE insurer_delay (
    insurer_number BIGINT NOT NULL,
    month BIGINT NOT NULL,
    days BIGINT NOT NULL,
    records BIGINT NOT NULL,
    PRIMARY KEY (insurer_number, month, days)
) /* clustered */;
