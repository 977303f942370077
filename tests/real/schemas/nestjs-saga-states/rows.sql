INSERT INTO saga_states ("correlationId", "currentState", "sagaType", data, version, "createdAt", "updatedAt", "archivedAt") VALUES
 ('order/2026-1', 'Completed', 'OrderSaga', '{"orderId":"2026-1"}', 5, '2026-11-20 10:00:00', '2026-11-20 10:01:00', NULL),
 ('order/2026-2', 'AwaitingPayment', 'OrderSaga', '{"orderId":"2026-2"}', 2, '2026-11-20 11:50:00', '2026-11-20 11:55:00', NULL),
 ('order/2026-3', 'AwaitingPayment', 'OrderSaga', '{"orderId":"2026-3"}', 2, '2026-11-20 09:50:00', '2026-11-20 09:55:00', NULL),
 ('order/2026-4', 'RefundingPayment', 'OrderSaga', '{"orderId":"2026-4"}', 3, '2026-11-20 11:00:00', '2026-11-20 11:05:00', NULL),
 ('order/2026-5', 'Cancelled', 'OrderSaga', '{"orderId":"2026-5"}', 4, '2026-11-20 11:00:00', '2026-11-20 11:05:00', NULL),
 ('order/2026-6', 'AwaitingPayment', 'OrderSaga', '{"orderId":"2026-6"}', 2, '2026-10-01 09:50:00', '2026-10-01 09:55:00', '2026-10-02 00:00:00'),
 ('order/2026-7', 'ManualReview', 'OrderSaga', '{"orderId":"2026-7"}', 2, '2026-11-20 09:50:00', '2026-11-20 09:55:00', NULL),
 ('order/2026-8', 'OnHold', 'OrderSaga', '{"orderId":"2026-8"}', 2, '2026-11-20 09:50:00', '2026-11-20 09:55:00', NULL);
