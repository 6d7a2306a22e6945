-- from: 2
CREATE INDEX person_alias_by_current ON person_alias (current_key, person_key);
