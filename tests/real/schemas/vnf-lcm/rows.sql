-- A timeout is written for the first step alone, 120 seconds ahead; the second one, the deployment, has none.
INSERT INTO saga_instances (saga_id, vnf_id, operation_id, saga_type, current_step, saga_state, status, created_at, updated_at) VALUES
 ('vnf-0001', 'v-1', 'op-1', 'VNF_INSTANTIATE', 2, '{"completedSteps":[1,2],"stepResults":{"1":{"success":true,"result":{}},"2":{"success":true,"result":{}}}}', 'COMPLETED', '2026-11-20 11:00:00', '2026-11-20 11:03:00'),
 ('vnf-0002', 'v-2', 'op-2', 'VNF_INSTANTIATE', 1, '{"completedSteps":[],"stepResults":{}}', 'RUNNING', '2026-11-20 11:59:00', '2026-11-20 11:59:00'),
 ('vnf-0003', 'v-3', 'op-3', 'VNF_INSTANTIATE', 1, '{"completedSteps":[],"stepResults":{"1":{"success":false,"result":{"reason":"quota"}}}}', 'FAILED', '2026-11-20 10:59:00', '2026-11-20 10:59:30'),
 ('vnf-0004', 'v-4', 'op-4', 'VNF_INSTANTIATE', 1, '{"completedSteps":[],"stepResults":{}}', 'RUNNING', '2026-11-20 11:30:00', '2026-11-20 11:30:00'),
 ('vnf-0005', 'v-5', 'op-5', 'VNF_INSTANTIATE', 2, '{"completedSteps":[1],"stepResults":{"1":{"success":true,"result":{}}}}', 'RUNNING', '2026-11-20 09:59:00', '2026-11-20 10:00:00'),
 ('vnf-0006', 'v-6', 'op-6', 'VNF_INSTANTIATE', 2, '{"completedSteps":[1],"stepResults":{"1":{"success":true,"result":{}}}}', 'RUNNING', '2026-11-20 11:49:00', '2026-11-20 11:50:00'),
 ('vnf-0007', 'v-7', NULL, 'VNF_TERMINATE', 1, '{"completedSteps":[1],"stepResults":{"1":{"success":true,"result":{}}}}', 'COMPLETED', '2026-11-20 11:20:00', '2026-11-20 11:21:00'),
 ('vnf-0008', 'v-8', NULL, 'VNF_TERMINATE', 1, '{"completedSteps":[],"stepResults":{}}', 'RUNNING', '2026-11-20 11:54:00', '2026-11-20 11:54:00'),
 ('vnf-0009', 'v-9', 'op-9', 'VNF_INSTANTIATE', 2, '{"completedSteps":[1],"stepResults":{"1":{"success":true,"result":{}},"2":{"success":false,"result":{"reason":"no image"}}}}', 'FAILED', '2026-11-20 10:50:00', '2026-11-20 10:55:00');
INSERT INTO saga_timeouts (saga_id, step, execute_at, processed, created_at) VALUES
 ('vnf-0001', 1, '2026-11-20 11:02:00', TRUE, '2026-11-20 11:00:00'),
 ('vnf-0002', 1, '2026-11-20 12:01:00', FALSE, '2026-11-20 11:59:00'),
 ('vnf-0003', 1, '2026-11-20 11:01:00', TRUE, '2026-11-20 10:59:00'),
 ('vnf-0004', 1, '2026-11-20 11:32:00', FALSE, '2026-11-20 11:30:00'),
 ('vnf-0005', 1, '2026-11-20 10:01:00', TRUE, '2026-11-20 09:59:00'),
 ('vnf-0006', 1, '2026-11-20 11:51:00', TRUE, '2026-11-20 11:49:00'),
 ('vnf-0007', 1, '2026-11-20 11:22:00', TRUE, '2026-11-20 11:20:00'),
 ('vnf-0008', 1, '2026-11-20 11:56:00', FALSE, '2026-11-20 11:54:00'),
 ('vnf-0009', 1, '2026-11-20 10:52:00', TRUE, '2026-11-20 10:50:00');
