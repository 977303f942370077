-- danielalmeidafarias/saga-pattern at 53243f166b8d, internal/saga/sqlite_store.go: the steps of a phase are out together, what is
-- sent lies in the step as bytes, and nothing holds a time.
CREATE TABLE sagas (id TEXT PRIMARY KEY, order_id TEXT NOT NULL, "trigger" TEXT NOT NULL, status TEXT NOT NULL);
CREATE TABLE saga_steps (id TEXT PRIMARY KEY, saga_id TEXT NOT NULL, phase INTEGER NOT NULL, status TEXT NOT NULL, command BLOB NOT NULL, compensation BLOB, result BLOB, FOREIGN KEY (saga_id) REFERENCES sagas (id));
CREATE TABLE saga_outbox (id TEXT PRIMARY KEY, message BLOB NOT NULL, published_at TEXT);
