-- Nothing here holds a time: what stands still shows when it is looked at twice. later.sql is what moved between the two looks.
INSERT INTO purchaseorder.sagastate (id, currentstep, payload, sagastatus, stepstatus, type, version) VALUES
 ('17ef865e-39bf-404d-8d35-25c61ae0e082', NULL, '{"order-id":1,"customer-id":456,"payment-due":59}', 'COMPLETED', '{"credit-approval":"SUCCEEDED","payment":"SUCCEEDED"}', 'order-placement', 2),
 ('2b0e1f5c-8a3d-4d57-9a51-3f1f6f0e4a02', NULL, '{"order-id":2,"customer-id":456,"payment-due":59}', 'ABORTED', '{"credit-approval":"COMPENSATED","payment":"FAILED"}', 'order-placement', 3),
 ('3c7a9d10-52b1-4f0f-8e1c-0a4c1b7d5e03', NULL, '{"order-id":3,"customer-id":9,"payment-due":5900}', 'ABORTED', '{"credit-approval":"FAILED"}', 'order-placement', 1),
 ('40d2c6aa-7f19-4a44-b6a0-96a0d5b1c004', 'credit-approval', '{"order-id":4,"customer-id":77,"payment-due":12}', 'STARTED', '{"credit-approval":"STARTED"}', 'order-placement', 0),
 ('51b9e3f2-0c6e-4f8a-a7c9-1de2f3a4b505', 'credit-approval', '{"order-id":5,"customer-id":78,"payment-due":12}', 'STARTED', '{"credit-approval":"STARTED"}', 'order-placement', 0),
 ('62c8f401-1d7f-4b9b-b8da-2ef3a4b5c606', 'credit-approval', '{"order-id":6,"customer-id":79,"payment-due":80}', 'ABORTING', '{"credit-approval":"COMPENSATING","payment":"FAILED"}', 'order-placement', 2),
 ('73d9a512-2e8a-4cac-89eb-3fa4b5c6d707', NULL, '{"order-id":7,"customer-id":80,"payment-due":81}', 'ABORTED', '{"credit-approval":"SUCCEEDED","payment":"FAILED"}', 'order-placement', 2),
 ('84eab623-3f9b-4dbd-9afc-4ab5c6d7e808', NULL, '{"order-id":8,"customer-id":81,"payment-due":82}', 'COMPLETED', '{"credit-approval":"SUCCEEDED","payment":"STARTED"}', 'order-placement', 2);
