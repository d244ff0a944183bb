-- A job of each kind of keyed state: groups with DISTINCT and a changing extreme, windows, a join of two streams.
SET 'parallelism.default' = '2';
SET 'execution.checkpointing.interval' = '200 ms';
CREATE TABLE numbers (
  id BIGINT,
  ts AS TO_TIMESTAMP_LTZ(id * 100, 3),
  WATERMARK FOR ts AS ts
) WITH ('connector' = 'datagen', 'rows-per-second' = '200',
        'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '600');
CREATE TABLE others (
  id BIGINT,
  name AS 'name ' || CAST(id AS STRING)
) WITH ('connector' = 'datagen', 'rows-per-second' = '100',
        'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '300');
CREATE TABLE groups_out (k BIGINT, n BIGINT, total BIGINT, least BIGINT, most STRING, kinds BIGINT)
  WITH ('connector' = 'print', 'print-identifier' = 'groups');
CREATE TABLE windows_out (starts TIMESTAMP(3), k BIGINT, n BIGINT)
  WITH ('connector' = 'print', 'print-identifier' = 'windows');
CREATE TABLE pairs_out (id BIGINT, name STRING)
  WITH ('connector' = 'print', 'print-identifier' = 'pairs');
INSERT INTO groups_out
  SELECT MOD(id, 7), COUNT(*), SUM(id), MIN(id), MAX(CAST(id AS STRING)), COUNT(DISTINCT MOD(id, 11))
  FROM numbers GROUP BY MOD(id, 7);
INSERT INTO windows_out
  SELECT window_start, MOD(id, 3), COUNT(*)
  FROM TABLE(TUMBLE(TABLE numbers, DESCRIPTOR(ts), INTERVAL '10' SECOND))
  GROUP BY window_start, window_end, MOD(id, 3);
INSERT INTO pairs_out
  SELECT n.id, o.name FROM numbers AS n JOIN others AS o ON n.id = o.id * 2;
