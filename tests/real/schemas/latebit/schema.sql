-- latebit-io/saga-pattern at 62056977bf49, saga-client/schema.sql.
CREATE TABLE saga_states (
    saga_id VARCHAR(36) PRIMARY KEY,
    current_step INT NOT NULL DEFAULT 0,
    total_steps INT NOT NULL DEFAULT 0,
    status VARCHAR(50) NOT NULL,
    data JSONB NOT NULL,
    failed_step INT,
    compensated_steps INT[] NOT NULL DEFAULT '{}',
    compensated_status VARCHAR(50),
    created_at TIMESTAMP NOT NULL DEFAULT NOW(),
    updated_at TIMESTAMP NOT NULL DEFAULT NOW()
);
CREATE INDEX idx_saga_states_status ON saga_states (status);
CREATE INDEX idx_saga_states_updated_at ON saga_states (updated_at);
