-- Clicks from one topic; the slow ones, exactly once, into another. With SLIPSTREAM_NAMESERVER set:
--   slipstream run examples/clicks.sql --checkpoint-dir /tmp/clicks-checkpoints

SET 'execution.checkpointing.interval' = '1 s';

CREATE TABLE clicks (
  id      BIGINT,
  user_id INT,
  page    STRING,
  ms      INT,
  queue   INT METADATA FROM 'queue-id' VIRTUAL
) WITH (
  'connector' = 'rocketmq',
  'topic' = 'clicks',
  'consumerGroup' = 'clicks_tour',
  'scan.startup.mode' = 'earliest',
  'format' = 'json'
);

CREATE TABLE slow_clicks (
  id      BIGINT,
  user_id INT,
  page    STRING,
  ms      INT
) WITH (
  'connector' = 'rocketmq',
  'topic' = 'slow_clicks',
  'format' = 'json',
  'sink.delivery-guarantee' = 'exactly-once'
);

INSERT INTO slow_clicks
SELECT id, user_id, page, ms FROM clicks WHERE ms > 800;
