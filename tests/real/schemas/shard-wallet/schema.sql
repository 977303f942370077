-- Mustafa9164/Saga-Shard-Wallet at e77472cf3720: SagaInsatnce and SagaStep as Hibernate makes them on MySQL. The saga's status is
-- kept as text, that of a step as the ordinal of StepStatus. Neither table holds a time.
CREATE TABLE saga_instance (
  id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
  status varchar(255) NOT NULL,
  context json,
  current_step varchar(255)
) ENGINE=InnoDB;
CREATE TABLE saga_step (
  id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
  saga_instance_id bigint NOT NULL,
  step_name varchar(255) NOT NULL,
  status tinyint NOT NULL,
  error_message varchar(255),
  step_data json
) ENGINE=InnoDB;
