"""The SQL jobs of the benchmarks."""

COLUMNS = "id BIGINT, user_id BIGINT, item STRING, price DOUBLE, ts TIMESTAMP(3), note STRING"
EVERY_SECOND = "SET 'execution.checkpointing.interval' = '1 s';\n"
EXACTLY_ONCE = ", 'sink.delivery-guarantee' = 'exactly-once'"


class Jobs:
    def __init__(self, directory, nameserver, topic, more=""):
        """`more`: further options of the source, each behind a comma."""
        self.directory, self.nameserver, self.topic, self.more = directory, nameserver, topic, more

    def table(self, name, topic, columns, format_name, extra=""):
        return (f"CREATE TABLE {name} ({columns}) WITH ('connector' = 'rocketmq', 'topic' = '{topic}', "
                f"'nameServerAddress' = '{self.nameserver}', 'format' = '{format_name}'{extra});\n")

    def source(self, columns=COLUMNS, format_name="json", bounded=True, start="earliest"):
        extra = f", 'consumerGroup' = 'bench', 'scan.startup.mode' = '{start}'{self.more}"
        if bounded:
            extra += ", 'scan.bounded.mode' = 'latest-offset'"
        return self.table("source", self.topic, columns, format_name, extra)

    @staticmethod
    def nowhere(columns):
        return f"CREATE TABLE nowhere ({columns}) WITH ('connector' = 'blackhole');\n"

    def write(self, name, sql):
        path = self.directory / f"{name}.sql"
        path.write_text(sql)
        return path

    def count(self):
        return self.write("count", self.source("body BYTES", "raw") + self.nowhere("n BIGINT")
                          + "INSERT INTO nowhere SELECT COUNT(*) FROM source;\n")

    @staticmethod
    def lines(path):
        return (f"CREATE TABLE lines (body BYTES) WITH ('connector' = 'filesystem', 'path' = '{path}', "
                "'format' = 'raw');\n")

    def count_lines(self, path):
        return self.write("count-lines", self.lines(path) + self.nowhere("n BIGINT")
                          + "INSERT INTO nowhere SELECT COUNT(*) FROM lines;\n")

    def send_lines(self, path, sink):
        return self.write("send-lines", EVERY_SECOND + self.lines(path) + self.table("sink", sink, "body BYTES", "raw")
                          + "INSERT INTO sink SELECT * FROM lines;\n")

    def decode(self):
        return self.write("decode", self.source() + self.nowhere(COLUMNS)
                          + "INSERT INTO nowhere SELECT * FROM source;\n")

    def aggregate(self):
        return self.write("aggregate", self.source()
                          + self.nowhere("k BIGINT, n BIGINT, s BIGINT, PRIMARY KEY (k) NOT ENFORCED")
                          + "INSERT INTO nowhere SELECT id, COUNT(*), SUM(user_id) FROM source GROUP BY id;\n")

    def filter(self, sink):
        return self.write("filter", EVERY_SECOND + self.source() + self.table("sink", sink, COLUMNS, "json")
                          + "INSERT INTO sink SELECT * FROM source WHERE user_id < 1000;\n")

    def copy(self, sink, exactly_once=False):
        return self.write("exactly" if exactly_once else "copy",
                          EVERY_SECOND + self.source()
                          + self.table("sink", sink, COLUMNS, "json", EXACTLY_ONCE if exactly_once else "")
                          + "INSERT INTO sink SELECT * FROM source;\n")

    def first_row(self):
        return self.write("first-row", self.source() + "CREATE TABLE shown (id BIGINT) WITH ('connector' = 'print');\n"
                          + "INSERT INTO shown SELECT id FROM source;\n")

    def idle(self):
        return self.write("idle", self.source(bounded=False) + self.nowhere(COLUMNS)
                          + "INSERT INTO nowhere SELECT * FROM source;\n")

    def relay(self, sink, checkpoints=False, exactly_once=False):
        """What the latency of is measured: a filter that all rows of the probe pass."""
        columns = "id BIGINT, due BIGINT"
        return self.write("relay", (EVERY_SECOND if checkpoints else "")
                          + self.source(columns, bounded=False, start="latest")
                          + self.table("sink", sink, columns, "json", EXACTLY_ONCE if exactly_once else "")
                          + "INSERT INTO sink SELECT * FROM source WHERE id >= 0;\n")
