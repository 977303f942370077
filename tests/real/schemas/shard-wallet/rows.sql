-- 0 PENDING, 1 RUNNING, 2 COMPLETED, 3 FAILED, 4 COMPENSATING, 5 COMPENSATED, 6 SKIPPED
INSERT INTO saga_instance (id, status, context, current_step) VALUES
 (1, 'COMPLETED', '{"fromWalletId":1,"toWalletId":2,"amount":10}', 'CreditDestinationWalletStep'),
 (2, 'RUNNING', '{"fromWalletId":1,"toWalletId":3,"amount":10}', 'CreditDestinationWalletStep'),
 (3, 'RUNNING', '{"fromWalletId":1,"toWalletId":4,"amount":10}', 'CreditDestinationWalletStep'),
 (4, 'COMPENSATED', '{"fromWalletId":1,"toWalletId":5,"amount":10}', 'CreditDestinationWalletStep'),
 (5, 'COMPENSATING', '{"fromWalletId":1,"toWalletId":6,"amount":10}', 'DebitSourceWalletStep'),
 (6, 'FAILED', '{"fromWalletId":1,"toWalletId":7,"amount":10}', 'CreditDestinationWalletStep'),
 (7, 'FAILED', '{"fromWalletId":1,"toWalletId":8,"amount":10}', 'DebitSourceWalletStep'),
 (8, 'COMPLETED', '{"fromWalletId":1,"toWalletId":9,"amount":10}', 'CreditDestinationWalletStep');
INSERT INTO saga_step (saga_instance_id, step_name, status, error_message, step_data) VALUES
 (1, 'DebitSourceWalletStep', 2, NULL, NULL),
 (1, 'CreditDestinationWalletStep', 2, NULL, NULL),
 (2, 'DebitSourceWalletStep', 1, NULL, NULL),
 (3, 'DebitSourceWalletStep', 2, NULL, NULL),
 (3, 'CreditDestinationWalletStep', 1, NULL, NULL),
 (4, 'DebitSourceWalletStep', 5, NULL, NULL),
 (4, 'CreditDestinationWalletStep', 3, 'Wallet not found', NULL),
 (5, 'DebitSourceWalletStep', 4, NULL, NULL),
 (5, 'CreditDestinationWalletStep', 3, 'Wallet not found', NULL),
 (6, 'DebitSourceWalletStep', 2, NULL, NULL),
 (6, 'CreditDestinationWalletStep', 3, 'Wallet not found', NULL),
 (7, 'DebitSourceWalletStep', 3, 'Insufficient balance', NULL),
 (8, 'DebitSourceWalletStep', 2, NULL, NULL),
 (8, 'CreditDestinationWalletStep', 0, NULL, NULL);
