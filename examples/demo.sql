-- Orders come in on one topic; two results go out to two others, each exactly once.
-- Run by ./dev demo. By hand, with a broker on 127.0.0.1:9876:
--   slipstream run examples/demo.sql --checkpoint-dir /tmp/demo-checkpoints

SET 'execution.checkpointing.interval' = '1 s';

CREATE TABLE orders (
  order_id BIGINT,
  user_id  BIGINT,
  city     STRING,
  item     STRING,
  price    DOUBLE,
  ts       TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '1' SECOND
) WITH (
  'connector' = 'rocketmq',
  'topic' = 'orders',
  'consumerGroup' = 'demo_orders',
  'nameServerAddress' = '127.0.0.1:9876',
  'scan.startup.mode' = 'earliest',
  'format' = 'json'
);

CREATE TABLE big_orders (
  order_id BIGINT,
  user_id  BIGINT,
  city     STRING,
  item     STRING,
  price    DOUBLE
) WITH (
  'connector' = 'rocketmq',
  'topic' = 'big_orders',
  'nameServerAddress' = '127.0.0.1:9876',
  'format' = 'json',
  'sink.delivery-guarantee' = 'exactly-once'
);

CREATE TABLE city_totals (
  window_start TIMESTAMP(3),
  city         STRING,
  orders       BIGINT,
  revenue      DOUBLE
) WITH (
  'connector' = 'rocketmq',
  'topic' = 'city_totals',
  'nameServerAddress' = '127.0.0.1:9876',
  'format' = 'json',
  'sink.delivery-guarantee' = 'exactly-once'
);

-- A filter: every expensive order, as it comes.
INSERT INTO big_orders
SELECT order_id, user_id, city, item, price
FROM orders
WHERE price >= 100;

-- A window: orders and revenue of each city, every two seconds of event time.
INSERT INTO city_totals
SELECT window_start, city, COUNT(*) AS orders, SUM(price) AS revenue
FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '2' SECONDS))
GROUP BY window_start, window_end, city;
