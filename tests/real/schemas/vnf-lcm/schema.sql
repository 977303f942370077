-- SunilAntil-CS/microservice at 4252cb5996fc, chapter-6-lcm-core: schema-saga-instances.sql and schema-saga-timeouts.sql.
CREATE TABLE saga_instances (
    id BIGSERIAL PRIMARY KEY,
    saga_id VARCHAR(36) NOT NULL UNIQUE,
    vnf_id VARCHAR(64) NOT NULL,
    operation_id VARCHAR(36),
    saga_type VARCHAR(64) NOT NULL,
    current_step INT NOT NULL,
    saga_state TEXT,
    status VARCHAR(20) NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL
);
CREATE INDEX idx_saga_instances_vnf_id_status ON saga_instances (vnf_id, status);
CREATE TABLE saga_timeouts (
    id BIGSERIAL PRIMARY KEY,
    saga_id VARCHAR(36) NOT NULL,
    step INT NOT NULL,
    execute_at TIMESTAMP NOT NULL,
    processed BOOLEAN NOT NULL DEFAULT FALSE,
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX idx_saga_timeouts_execute_processed ON saga_timeouts (processed, execute_at);
