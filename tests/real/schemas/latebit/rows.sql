-- Its times are naive; the machine that wrote them stands in Toronto (UTC-5 in November): noon UTC is 07:00 there.
INSERT INTO saga_states (saga_id, current_step, total_steps, status, data, failed_step, compensated_steps, compensated_status, created_at, updated_at) VALUES
 ('5a000000-0000-4000-8000-000000000001', 3, 3, 'COMPLETE', '{"customer":"c-1"}', NULL, '{}', NULL, '2026-11-20 06:00:00', '2026-11-20 06:00:09'),
 ('5a000000-0000-4000-8000-000000000002', 1, 3, 'EXECUTING', '{"customer":"c-2"}', NULL, '{}', NULL, '2026-11-20 06:58:00', '2026-11-20 06:59:00'),
 ('5a000000-0000-4000-8000-000000000003', 2, 3, 'FAILED', '{"customer":"c-3"}', 2, '{1,0}', 'COMPLETE', '2026-11-20 05:00:00', '2026-11-20 05:00:08'),
 ('5a000000-0000-4000-8000-000000000004', 2, 3, 'COMPENSATING', '{"customer":"c-4"}', 2, '{1}', NULL, '2026-11-20 06:57:00', '2026-11-20 06:59:10'),
 ('5a000000-0000-4000-8000-000000000005', 1, 3, 'EXECUTING', '{"customer":"c-5"}', NULL, '{}', NULL, '2026-11-20 03:59:00', '2026-11-20 04:00:00'),
 ('5a000000-0000-4000-8000-000000000006', 2, 3, 'COMPENSATING', '{"customer":"c-6"}', 2, '{1}', NULL, '2026-11-20 06:15:00', '2026-11-20 06:20:00'),
 ('5a000000-0000-4000-8000-000000000007', 2, 3, 'FAILED', '{"customer":"c-7"}', 2, '{1}', 'FAILED', '2026-11-20 05:30:00', '2026-11-20 05:30:20'),
 ('5a000000-0000-4000-8000-000000000008', 0, 3, 'CREATED', '{"customer":"c-8"}', NULL, '{}', NULL, '2026-11-20 06:10:00', '2026-11-20 06:10:00');
