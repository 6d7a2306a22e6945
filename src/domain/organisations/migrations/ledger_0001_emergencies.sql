-- from: 0
CREATE TABLE outage (
    dependency BIGINT NOT NULL PRIMARY KEY,
    since BIGINT NOT NULL,
    declared_by TEXT NOT NULL
);
INSERT INTO outage (dependency, since, declared_by) VALUES (1, 0, '');
INSERT INTO outage (dependency, since, declared_by) VALUES (2, 0, '');
INSERT INTO outage (dependency, since, declared_by) VALUES (3, 0, '');
INSERT INTO outage (dependency, since, declared_by) VALUES (4, 0, '');
INSERT INTO outage (dependency, since, declared_by) VALUES (5, 0, '');
CREATE TABLE disaster (
    disaster_id BIGINT NOT NULL PRIMARY KEY,
    municipality BIGINT NOT NULL,
    first_day BIGINT NOT NULL,
    last_day BIGINT NOT NULL,
    declared_at BIGINT NOT NULL,
    declared_by TEXT NOT NULL,
    confirmed_at BIGINT NOT NULL,
    confirmed_by TEXT NOT NULL,
    ended_at BIGINT NOT NULL,
    ended_by TEXT NOT NULL
);
CREATE INDEX disaster_of_municipality ON disaster (municipality, last_day, disaster_id);
CREATE INDEX disaster_by_age ON disaster (declared_at, disaster_id);
