-- A payment platform in Go on gorm, as gorm makes its tables on SQLite. Here "compensated" is the clean end, and "failed" says that
-- an undo failed too.
CREATE TABLE `sagas` (
  `id` text PRIMARY KEY,
  `type` text NOT NULL,
  `status` text NOT NULL DEFAULT 'pending',
  `payment_id` text,
  `error` text,
  `created_at` datetime,
  `updated_at` datetime,
  `completed_at` datetime
);
CREATE INDEX `idx_sagas_status` ON `sagas` (`status`);
CREATE TABLE `saga_steps` (
  `id` integer PRIMARY KEY AUTOINCREMENT,
  `saga_id` text NOT NULL,
  `name` text NOT NULL,
  `sequence` integer NOT NULL,
  `status` text NOT NULL DEFAULT 'pending',
  `error` text,
  `retry_count` integer DEFAULT 0,
  `started_at` datetime,
  `completed_at` datetime,
  CONSTRAINT `fk_sagas_steps` FOREIGN KEY (`saga_id`) REFERENCES `sagas` (`id`)
);
CREATE INDEX `idx_saga_steps_saga_id` ON `saga_steps` (`saga_id`);
