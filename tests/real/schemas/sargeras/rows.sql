-- Local times of a server in Shanghai (UTC+8): noon UTC is 20:00 there.
INSERT INTO saga_context (id, app_name, biz_name, biz_id, status, current_tx, pre_executed_tx, pre_compensated_tx, trigger_count, next_trigger_time, create_time, expire_time, modify_time) VALUES
 (1, 'travel', 'BookTravel', 'T-1', 'EXECUTE_SUCC', 'Summary', 'Summary', '', 1, '2026-11-20 18:00:30', '2026-11-20 18:00:00', '2026-11-20 20:30:00', '2026-11-20 18:00:03'),
 (2, 'travel', 'BookTravel', 'T-2', 'COMPENSATE_SUCC', 'BookCar', 'BookAir', 'BookCar', 2, '2026-11-20 18:10:30', '2026-11-20 18:10:00', '2026-11-20 20:40:00', '2026-11-20 18:10:09'),
 (3, 'travel', 'BookTravel', 'T-3', 'EXECUTING', 'BookHotel', 'BookAir', '', 3, '2026-11-20 20:01:00', '2026-11-20 19:50:00', '2026-11-20 22:20:00', '2026-11-20 19:59:00'),
 (4, 'travel', 'BookTravel', 'T-4', 'EXECUTING', 'BookHotel', 'BookAir', '', 4, '2026-11-20 19:20:00', '2026-11-20 19:00:00', '2026-11-20 21:30:00', '2026-11-20 19:18:00'),
 (5, 'travel', 'BookTravel', 'T-5', 'COMPENSATE_FAIL', 'BookCar', 'BookAir', '', 6, '2026-11-20 17:20:00', '2026-11-20 17:00:00', '2026-11-20 19:30:00', '2026-11-20 17:18:00'),
 (6, 'travel', 'BookTravel', 'T-6', 'EXECUTING', 'BookHotel', 'BookAir', '', 41, '2026-11-20 20:00:20', '2026-11-20 18:50:00', '2026-11-20 21:20:00', '2026-11-20 19:59:50'),
 (7, 'travel', 'BookTravel', 'T-7', 'COMPENSATING', 'BookCar', 'BookAir', '', 2, '2026-11-20 19:30:00', '2026-11-20 19:20:00', '2026-11-20 21:50:00', '2026-11-20 19:29:00'),
 (8, 'travel', 'BookTravel', 'T-8', 'OVERTIME', 'BookAir', 'BookCar', '', 90, '2026-11-20 16:20:00', '2026-11-20 14:00:00', '2026-11-20 16:30:00', '2026-11-20 16:31:00');
INSERT INTO saga_context_lock (id, context_id, req_id, create_time, expire_time) VALUES
 (11, 3, 'r-3', '2026-11-20 19:59:00', '2026-11-20 20:04:00');
