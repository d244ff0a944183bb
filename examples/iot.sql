-- Alarms: readings above 90 meet the devices that hold the sensor. Tables and columns have Chinese names; topic names
-- are ASCII, as RocketMQ wants them. A reading that is no number is no alarm (TRY_CAST).
--   slipstream run examples/iot.sql --checkpoint-dir /tmp/iot-checkpoints

SET 'pipeline.name' = 'iot';
SET 'execution.checkpointing.interval' = '1 s';
-- Both sides of the join are kept: readings and devices that have not changed for a day are dropped.
SET 'table.exec.state.ttl' = '1 d';

CREATE TABLE 传感器 (
  传感器ID STRING,
  类型     STRING,
  数据     STRING,
  时间     STRING
) WITH (
  'connector' = 'rocketmq',
  'topic' = 'sensor',
  'consumerGroup' = 'C01',
  'nameServerAddress' = '127.0.0.1:9876',
  'scan.startup.mode' = 'earliest',
  'format' = 'json'
);

CREATE TABLE 设备 (
  设备ID     STRING,
  `区域`     STRING,
  传感器ID   STRING,
  传感器类型 STRING
) WITH (
  'connector' = 'rocketmq',
  'topic' = 'device',
  'consumerGroup' = 'C02',
  'nameServerAddress' = '127.0.0.1:9876',
  'scan.startup.mode' = 'earliest',
  'format' = 'json'
);

CREATE TABLE 告警 (
  设备ID   STRING,
  `区域`   STRING,
  传感器ID STRING
) WITH (
  'connector' = 'rocketmq',
  'topic' = 'alarm',
  'produceGroup' = 'P01',
  'nameServerAddress' = '127.0.0.1:9876',
  'format' = 'json',
  'sink.delivery-guarantee' = 'exactly-once'
);

INSERT INTO 告警
SELECT 设备.设备ID, 设备.`区域`, 传感器.传感器ID
FROM 传感器
JOIN 设备 ON 传感器.传感器ID = 设备.传感器ID
WHERE TRY_CAST(传感器.数据 AS BIGINT) > 90;
