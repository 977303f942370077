-- A saga persistence module for NestJS on TypeORM: its names are in camelCase and need their quotes. No table of steps.
CREATE TABLE saga_states (
    "correlationId" VARCHAR(255) PRIMARY KEY,
    "currentState" VARCHAR(100) NOT NULL,
    "sagaType" VARCHAR(100) NOT NULL,
    data JSONB NOT NULL,
    version INTEGER NOT NULL DEFAULT 0,
    "createdAt" TIMESTAMP NOT NULL DEFAULT now(),
    "updatedAt" TIMESTAMP NOT NULL DEFAULT now(),
    "archivedAt" TIMESTAMP
);
CREATE INDEX "IDX_saga_type_state" ON saga_states ("sagaType", "currentState");
