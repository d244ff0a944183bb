CREATE TABLE t (a INT) WITH ('secretKey' = 'sk''1', "accessKey" = '${secret_values.ak}', 'properties.sasl-password' = 'p
