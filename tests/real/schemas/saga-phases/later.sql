UPDATE saga_steps SET status = 'SUCCEEDED' WHERE id = 'step-2-0';
UPDATE saga_steps SET status = 'DISPATCHED' WHERE id = 'step-2-2';
