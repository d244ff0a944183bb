-- A job of what the plan can tell apart: five INSERTs from one table, filters that move, computed join columns, a hopping
-- window, UNION, and an exactly-once sink whose newest epoch may wait to be published. 'out' is where its files are.
SET 'parallelism.default' = '2';
SET 'pipeline.max-parallelism' = '8';
SET 'execution.checkpointing.interval' = '200 ms';
CREATE TABLE numbers (
  id BIGINT,
  ts AS TO_TIMESTAMP_LTZ(id * 100, 3),
  WATERMARK FOR ts AS ts - INTERVAL '1' SECOND
) WITH ('connector' = 'datagen', 'rows-per-second' = '200',
        'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '600');
CREATE TABLE others (
  id BIGINT
) WITH ('connector' = 'datagen', 'rows-per-second' = '100',
        'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '300');
CREATE TABLE files (id BIGINT, text STRING)
  WITH ('connector' = 'filesystem', 'format' = 'csv', 'path' = 'out', 'sink.delivery-guarantee' = 'exactly-once');
CREATE TABLE groups_out (k BIGINT, n BIGINT, least BIGINT)
  WITH ('connector' = 'print', 'print-identifier' = 'groups');
CREATE TABLE windows_out (starts TIMESTAMP(3), n BIGINT, kinds BIGINT)
  WITH ('connector' = 'print', 'print-identifier' = 'windows');
CREATE TABLE pairs_out (id BIGINT, twice BIGINT)
  WITH ('connector' = 'print', 'print-identifier' = 'pairs');
CREATE TABLE distinct_out (id BIGINT)
  WITH ('connector' = 'print', 'print-identifier' = 'distinct');
CREATE VIEW evens AS SELECT id, MOD(id, 5) AS k FROM numbers WHERE MOD(id, 2) = 0;
INSERT INTO files SELECT id, 'row ' || CAST(id AS STRING) FROM numbers WHERE id > 10;
INSERT INTO groups_out SELECT k, COUNT(*), MIN(id) FROM evens GROUP BY k HAVING k < 4 AND COUNT(*) > 0;
INSERT INTO windows_out
  SELECT window_start, COUNT(*), COUNT(DISTINCT MOD(id, 7))
  FROM TABLE(HOP(TABLE numbers, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND))
  GROUP BY window_start, window_end;
INSERT INTO pairs_out
  SELECT n.id, o.twice
  FROM numbers AS n JOIN (SELECT id + 1 AS id, id * 2 AS twice FROM others WHERE id > 5) AS o ON n.id = o.id
  WHERE n.id < 290;
INSERT INTO distinct_out SELECT MOD(id, 10) FROM numbers UNION SELECT MOD(id, 20) FROM others;
