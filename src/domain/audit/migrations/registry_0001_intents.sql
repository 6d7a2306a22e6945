-- from: 0
CREATE TABLE intent_applied (
    intent_id BLOB NOT NULL PRIMARY KEY,
    applied BIGINT NOT NULL
) /* clustered */;
