CREATE TABLE item (id serial primary key, name text);
INSERT INTO item (name) VALUES ('a'), ('b');
