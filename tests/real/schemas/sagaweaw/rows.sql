INSERT INTO sagas (id, name, status, created_at, updated_at, completed_at) VALUES
 ('w-1', 'OrderSaga', 'COMPLETED', '2026-11-20 11:00:00', '2026-11-20 11:00:05', '2026-11-20 11:00:05'),
 ('w-2', 'OrderSaga', 'EXECUTING', '2026-11-20 11:55:00', '2026-11-20 11:58:00', NULL),
 ('w-3', 'OrderSaga', 'COMPENSATED', '2026-11-20 10:00:00', '2026-11-20 10:00:20', '2026-11-20 10:00:20'),
 ('w-4', 'OrderSaga', 'EXECUTING', '2026-11-20 11:40:00', '2026-11-20 11:41:00', NULL),
 ('w-5', 'OrderSaga', 'EXECUTING', '2026-11-20 11:20:00', '2026-11-20 11:50:00', NULL),
 ('w-6', 'OrderSaga', 'FAILED', '2026-11-20 09:00:00', '2026-11-20 09:00:30', '2026-11-20 09:00:30'),
 ('w-7', 'OrderSaga', 'EXECUTING', '2026-11-20 11:10:00', '2026-11-20 11:10:30', NULL),
 ('w-8', 'OrderSaga', 'EXECUTING', '2026-11-20 11:58:00', '2026-11-20 11:59:00', NULL);
INSERT INTO saga_steps (id, saga_id, step_name, step_order, status, attempt, next_retry_at, last_error, executed_at, completed_at) VALUES
 ('w-1-0', 'w-1', 'reserve-stock', 0, 'COMPLETED', 1, NULL, NULL, '2026-11-20 11:00:00', '2026-11-20 11:00:01'),
 ('w-1-1', 'w-1', 'charge-card', 1, 'COMPLETED', 1, NULL, NULL, '2026-11-20 11:00:01', '2026-11-20 11:00:05'),
 ('w-2-0', 'w-2', 'reserve-stock', 0, 'COMPLETED', 1, NULL, NULL, '2026-11-20 11:55:00', '2026-11-20 11:55:01'),
 ('w-2-1', 'w-2', 'charge-card', 1, 'EXECUTING', 2, '2026-11-20 12:02:00', 'timeout', '2026-11-20 11:58:00', NULL),
 ('w-3-0', 'w-3', 'reserve-stock', 0, 'COMPENSATED', 1, NULL, NULL, '2026-11-20 10:00:00', '2026-11-20 10:00:20'),
 ('w-3-1', 'w-3', 'charge-card', 1, 'FAILED', 3, NULL, 'declined', '2026-11-20 10:00:01', '2026-11-20 10:00:10'),
 ('w-4-0', 'w-4', 'reserve-stock', 0, 'COMPLETED', 1, NULL, NULL, '2026-11-20 11:40:00', '2026-11-20 11:40:30'),
 ('w-4-1', 'w-4', 'charge-card', 1, 'EXECUTING', 1, NULL, NULL, '2026-11-20 11:41:00', NULL),
 ('w-5-0', 'w-5', 'reserve-stock', 0, 'COMPLETED', 1, NULL, NULL, '2026-11-20 11:20:00', '2026-11-20 11:20:30'),
 ('w-5-1', 'w-5', 'charge-card', 1, 'EXECUTING', 2, '2026-11-20 11:51:00', 'timeout', '2026-11-20 11:50:00', NULL),
 ('w-6-0', 'w-6', 'reserve-stock', 0, 'COMPENSATING', 1, NULL, 'warehouse said 500', '2026-11-20 09:00:00', NULL),
 ('w-6-1', 'w-6', 'charge-card', 1, 'FAILED', 3, NULL, 'declined', '2026-11-20 09:00:01', '2026-11-20 09:00:10'),
 ('w-7-0', 'w-7', 'reserve-stock', 0, 'COMPLETED', 1, NULL, NULL, '2026-11-20 11:10:00', '2026-11-20 11:10:20'),
 ('w-7-1', 'w-7', 'charge-card', 1, 'EXECUTING', 1, NULL, NULL, '2026-11-20 11:10:30', NULL),
 ('w-8-0', 'w-8', 'reserve-stock', 0, 'EXECUTING', 1, NULL, NULL, '2026-11-20 11:59:00', NULL),
 ('w-8-1', 'w-8', 'charge-card', 1, 'PENDING', 0, NULL, NULL, NULL, NULL);
INSERT INTO outbox_messages (id, saga_id, step_name, topic, payload, published, created_at, published_at) VALUES
 ('m-2', 'w-2', 'charge-card', 'payments', '{}', 1, '2026-11-20 11:58:00', '2026-11-20 11:58:01'),
 ('m-4', 'w-4', 'charge-card', 'payments', '{}', 0, '2026-11-20 11:41:00', NULL),
 ('m-5', 'w-5', 'charge-card', 'payments', '{}', 1, '2026-11-20 11:50:00', '2026-11-20 11:50:01'),
 ('m-7', 'w-7', 'charge-card', 'payments', '{}', 1, '2026-11-20 11:10:30', '2026-11-20 11:10:31'),
 ('m-8', 'w-8', 'reserve-stock', 'stock', '{}', 1, '2026-11-20 11:59:00', '2026-11-20 11:59:01');
