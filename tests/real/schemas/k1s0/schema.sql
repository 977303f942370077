-- RyuheiKiso/k1s0, saga-db migrations 002 and 003: a schema of its own; a row of the log is written when a step has ended.
CREATE SCHEMA saga;
CREATE TABLE saga.saga_states (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    workflow_name VARCHAR(255) NOT NULL,
    current_step INT NOT NULL DEFAULT 0,
    status VARCHAR(50) NOT NULL DEFAULT 'STARTED',
    payload JSONB,
    correlation_id VARCHAR(255),
    initiated_by VARCHAR(255),
    error_message TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX idx_saga_states_status ON saga.saga_states (status);
CREATE INDEX idx_saga_states_workflow ON saga.saga_states (workflow_name);
CREATE TABLE saga.saga_step_logs (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    saga_id UUID NOT NULL REFERENCES saga.saga_states (id) ON DELETE CASCADE,
    step_index INT NOT NULL,
    step_name VARCHAR(255) NOT NULL,
    action VARCHAR(50) NOT NULL CHECK (action IN ('EXECUTE', 'COMPENSATE')),
    status VARCHAR(50) NOT NULL CHECK (status IN ('SUCCESS', 'FAILED', 'TIMEOUT', 'SKIPPED')),
    request_payload JSONB,
    response_payload JSONB,
    error_message TEXT,
    started_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    completed_at TIMESTAMPTZ
);
CREATE INDEX idx_saga_step_logs_saga_id_step_index ON saga.saga_step_logs (saga_id, step_index);
