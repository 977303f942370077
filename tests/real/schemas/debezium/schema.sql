-- debezium/debezium-examples at 90c3e426465f, saga/order-service: the table that Hibernate makes of SagaState and ConsumedMessage
-- (names without quotes, so PostgreSQL keeps them in lower case; schema from application.properties).
CREATE SCHEMA purchaseorder;
CREATE TABLE purchaseorder.sagastate (
    id uuid PRIMARY KEY,
    currentstep varchar(255),
    payload jsonb,
    sagastatus varchar(255),
    stepstatus jsonb,
    type varchar(255),
    version int4 NOT NULL
);
CREATE TABLE purchaseorder.consumedmessage (
    eventid uuid PRIMARY KEY,
    timeofreceiving timestamp
);
