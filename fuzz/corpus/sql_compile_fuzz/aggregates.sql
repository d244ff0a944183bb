CREATE TABLE numbers (k INT, v DECIMAL(10, 2), s STRING, at TIMESTAMP(3), m AS v * 2, WATERMARK FOR at AS at - INTERVAL '5' SECOND)
WITH ('connector' = 'datagen', 'rows-per-second' = '10', 'fields.k.kind' = 'sequence', 'fields.k.start' = '1', 'fields.k.end' = '9');
CREATE TABLE kept (k INT, n BIGINT, total DECIMAL(38, 2)) WITH ('connector' = 'blackhole');
CREATE VIEW large AS SELECT * FROM numbers WHERE v > 1.5 AND s LIKE 'a%' OR s SIMILAR TO '(x|y)+';
SET 'parallelism.default' = '2';
EXPLAIN INSERT INTO kept SELECT k, COUNT(*), SUM(m) FROM large GROUP BY k;
SELECT window_start, k, MAX(v), COUNT(DISTINCT s) FILTER (WHERE v < 3) FROM TABLE(TUMBLE(TABLE numbers, DESCRIPTOR(at), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, k;
