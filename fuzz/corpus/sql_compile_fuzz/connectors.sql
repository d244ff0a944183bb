CREATE TABLE a (id BIGINT, tag STRING METADATA, q INT METADATA FROM 'queue-id' VIRTUAL) WITH ('connector' = 'rocketmq', 'topic' = 'x;y', 'name-server' = '127.0.0.1:9876', 'group' = 'g', 'scan.startup.mode' = 'timestamp', 'scan.startup.timestamp-millis' = '17', 'format' = 'json', 'decode.errors' = 'skip');
CREATE TABLE b (id BIGINT, s STRING) WITH ('connector' = 'mq5', 'topic' = 't', 'endPoint' = '127.0.0.1:9876', 'consumerGroup' = 'g', 'startTime' = '2024-01-31 00:00:00', 'lengthCheck' = 'PAD', 'encoding' = 'GBK', 'fieldDelimiter' = ',');
CREATE TABLE c (id BIGINT, s STRING) WITH ('connector' = 'mq', 'topic' = 't', 'endpoint' = '127.0.0.1:9876', 'producerGroup' = 'p', 'accessId' = 'AK', 'accessKey' = '${secret_values.sk}', 'mode' = 'partition', 'partitionField' = 'id', 'deliveryTimestampMode' = 'fixed', 'deliveryTimestampValue' = '2024-01-31 00:00:00');
CREATE TABLE f (id BIGINT, s STRING) WITH ('connector' = 'filesystem', 'path' = '/nowhere', 'format' = 'csv', 'csv.field-delimiter' = ';');
INSERT INTO c SELECT a.id, b.s FROM a JOIN b ON a.id = b.id WHERE a.tag = 'p';
INSERT INTO f SELECT id, s FROM b;
SHOW TABLES; DESCRIBE a; SHOW CREATE TABLE c;
