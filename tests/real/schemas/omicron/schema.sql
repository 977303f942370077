-- oxidecomputer/omicron, schema/crdb/dbinit.sql, on PostgreSQL instead of CockroachDB: a saga, and a log of what its nodes did. The
-- end of a saga is "done" whether it went forward or was unwound, and its nodes have numbers, whose names are in the DAG.
CREATE TYPE saga_state AS ENUM ('running', 'unwinding', 'done', 'abandoned');
CREATE TABLE saga (
    id UUID PRIMARY KEY,
    creator UUID NOT NULL,
    time_created TIMESTAMPTZ NOT NULL,
    name VARCHAR(128) NOT NULL,
    saga_dag JSONB NOT NULL,
    saga_state saga_state NOT NULL,
    current_sec UUID,
    adopt_generation INT NOT NULL,
    adopt_time TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX lookup_saga_by_sec ON saga (current_sec, id) WHERE saga_state != 'done';
CREATE TABLE saga_node_event (
    saga_id UUID NOT NULL,
    node_id INT NOT NULL,
    event_type VARCHAR(31) NOT NULL,
    data JSONB,
    event_time TIMESTAMPTZ NOT NULL,
    creator UUID NOT NULL,
    PRIMARY KEY (saga_id, node_id, event_type)
);
