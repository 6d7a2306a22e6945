-- from: 4
CREATE TABLE person_reading_pass (
    pass_id BIGINT NOT NULL PRIMARY KEY,
    after_key BIGINT NOT NULL,
    after_known BIGINT NOT NULL,
    indexed BIGINT NOT NULL,
    done BIGINT NOT NULL
);
INSERT INTO person_reading_pass (pass_id, after_key, after_known, indexed, done) SELECT 1, 0, 0, 0, CASE WHEN EXISTS (SELECT 1 FROM person) THEN 0 ELSE 1 END;
