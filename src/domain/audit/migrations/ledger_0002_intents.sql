-- from: 1
CREATE TABLE intent (
    intent_id BLOB NOT NULL PRIMARY KEY,
    event BIGINT NOT NULL,
    opened_at BIGINT NOT NULL
) /* clustered */;
