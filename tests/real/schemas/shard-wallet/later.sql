UPDATE saga_step SET status = 2 WHERE saga_instance_id = 2;
INSERT INTO saga_step (saga_instance_id, step_name, status) VALUES (2, 'CreditDestinationWalletStep', 1);
