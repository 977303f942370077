UPDATE purchaseorder.sagastate SET currentstep = 'payment', stepstatus = '{"credit-approval":"SUCCEEDED","payment":"STARTED"}', version = 1 WHERE id = '40d2c6aa-7f19-4a44-b6a0-96a0d5b1c004';
