-- mltds/sargeras, init.sql (later version: with the retries of its poller). No table of steps: only the names of three of them.
CREATE TABLE `saga_context` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `app_name` varchar(200) NOT NULL DEFAULT '',
  `biz_name` varchar(200) NOT NULL DEFAULT '',
  `biz_id` varchar(200) NOT NULL DEFAULT '',
  `status` varchar(100) NOT NULL DEFAULT '',
  `current_tx` varchar(200) DEFAULT '',
  `pre_executed_tx` varchar(200) DEFAULT '',
  `pre_compensated_tx` varchar(200) DEFAULT '',
  `trigger_count` int(11) NOT NULL,
  `next_trigger_time` datetime NOT NULL,
  `create_time` datetime NOT NULL,
  `expire_time` datetime NOT NULL,
  `modify_time` datetime NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `app_biz_id_uk` (`app_name`,`biz_name`,`biz_id`),
  KEY `next_trigger_time` (`next_trigger_time`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
CREATE TABLE `saga_context_lock` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `context_id` bigint(20) NOT NULL,
  `req_id` varchar(100) NOT NULL DEFAULT '',
  `create_time` datetime NOT NULL,
  `expire_time` datetime NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `context_id` (`context_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
