-- A Python service whose tables yoyo migrates, on SQLite: words held by CHECK constraints, times as text without a zone.
CREATE TABLE saga_instances (
    saga_id TEXT PRIMARY KEY,
    saga_type TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('STARTED', 'IN_PROGRESS', 'COMPLETED', 'COMPENSATING', 'COMPENSATED', 'FAILED')),
    correlation_id TEXT,
    context TEXT,
    created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX idx_saga_instances_status ON saga_instances (status, updated_at);
CREATE TABLE saga_steps (
    step_id TEXT PRIMARY KEY,
    saga_id TEXT NOT NULL REFERENCES saga_instances (saga_id),
    step_name TEXT NOT NULL,
    step_order INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('PENDING', 'IN_PROGRESS', 'COMPLETED', 'FAILED', 'COMPENSATING', 'COMPENSATED')),
    started_at TEXT,
    completed_at TEXT,
    error_message TEXT,
    retry_count INTEGER NOT NULL DEFAULT 0,
    compensation_data TEXT
);
CREATE INDEX idx_saga_steps_saga ON saga_steps (saga_id, step_order);
