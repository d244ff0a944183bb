#!/usr/bin/env python3
"""Access control and TLS: what is right works, exactly once included; what is wrong, missing or expired is
refused at once with words that help; and no secret is ever written anywhere.
"""
import base64
import hashlib
import hmac
import json
import time
from collections import Counter

from harness import PATIENCE, EndToEndTest, broker, main, wait_for
from wire import Wire

from broker import broker_security  # behind harness, which makes tools/ known

SECRET, READER_SECRET = "s3cret-of-the-job-8f1c", "s3cret-of-the-reader-77aa"
UPDATE_USER = 3002
FEW = 2_000


def account(name, secret, **more):
    return {"accessKey": name, "secretKey": secret, **more}


class SignedWire(Wire):
    """Signs what it asks, and speaks TLS when the cluster does."""

    def _exchange(self, address, code, fields, body):
        if address not in self.connections:
            self.connections[address] = broker.connect(address, self.cluster.client_tls(), 30)
        fields = {name: str(value) for name, value in fields.items()}
        if self.cluster.accounts:
            admin = self.cluster.accounts[0]
            fields["AccessKey"] = admin["accessKey"]
            text = "".join(fields[name] for name in sorted(fields)).encode() + body
            digest = hmac.new(admin["secretKey"].encode(), text, hashlib.sha1).digest()
            fields["Signature"] = base64.b64encode(digest).decode()
        return super()._exchange(address, code, fields, body)


class SecurityCase(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.wire = SignedWire(self.cluster)
        self.addCleanup(self.wire.close)

    def tearDown(self):
        super().tearDown()
        self.check_nothing_tells()

    def check_nothing_tells(self):
        """No secret in anything the program wrote: output, errors, logs, checkpoints, epoch files."""
        for file in self.directory.rglob("*"):
            if not file.is_file() or file.name.startswith("given-"):
                continue
            content = file.read_bytes()
            for secret in (SECRET, READER_SECRET, broker_security.ADMIN["secretKey"], "wrong-secret-55"):
                self.assertNotIn(secret.encode(), content, f"{file} tells a secret")

    def credentials(self, name, secret, file="given-credentials"):
        path = self.write(file, f"# of a test\naccessKey = {name}\nsecretKey = {secret}\n")
        path.chmod(0o600)
        return path

    def options(self):
        """Options of all tables, for what is right."""
        return {}

    def sql(self, source="orders", sink="copies", group="job", exactly_once=True, **options):
        options = {**self.options(), **options}
        text = "".join(f", '{name}' = '{value}'" for name, value in options.items() if value is not None)
        guarantee = "exactly-once" if exactly_once else "at-least-once"
        return f"""
            SET 'execution.checkpointing.interval' = '300 ms';
            CREATE TABLE src (seq BIGINT) WITH ('connector' = 'rocketmq', 'topic' = '{source}',
              'consumerGroup' = '{group}', 'nameServerAddress' = '{self.cluster.namesrv}', 'format' = 'json',
              'scan.startup.mode' = 'earliest'{text});
            CREATE TABLE dst (seq BIGINT) WITH ('connector' = 'rocketmq', 'topic' = '{sink}',
              'nameServerAddress' = '{self.cluster.namesrv}', 'format' = 'json',
              'sink.delivery-guarantee' = '{guarantee}'{text});
            INSERT INTO dst SELECT seq FROM src;"""

    def start(self, sql, environment=None):
        return self.engine("run", self.write("given-job.sql", sql), "--checkpoint-dir",
                           self.path("checkpoints"), environment=environment)

    def refused(self, sql, *parts, environment=None, seconds=40):
        """The job must end by itself, saying all of `parts`."""
        engine = self.engine("run", self.write("given-refused.sql", sql), "--checkpoint-dir",
                             self.path(f"refused-{len(self.engines)}"), environment=environment)
        self.assertNotEqual(engine.wait(seconds), 0)
        for part in parts:
            self.assertIn(part, engine.err)
        return engine.err

    def tool(self, *words, environment=None, status=0):
        """A command about the cluster; what it wrote to both outputs."""
        engine = self.engine(*words, "--nameserver", self.cluster.namesrv, environment=environment)
        self.assertEqual(engine.wait(60), status, engine.err[-2000:])
        return engine.out + engine.err

    def run_exactly_once(self, *flags):
        """A job that is killed twice while it copies; every message is there once."""
        for topic in ("orders", "copies"):
            self.tool("topic", "create", topic, "--queues", 2, *flags)
        lines = self.path("given-lines")
        lines.write_text("".join(json.dumps({"seq": n}) + "\n" for n in range(FEW)))
        half = self.engine("produce", "orders", "--file", lines, "--rate", 400, "--nameserver",
                           self.cluster.namesrv, *flags)
        job = self.start(self.sql())
        for number in (1, 2):
            wait_for(lambda: self.wire.count("copies") >= number * FEW // 4, 60, "the first copies")
            self.assertTrue(job.is_running(), job.err[-3000:])
            job.kill()
            job = self.start(self.sql())
        self.assertEqual(half.wait(60), 0, half.err)
        wait_for(lambda: self.wire.count("copies") >= FEW or not job.is_running(), 120, "all copies")
        self.assertTrue(job.is_running(), job.err[-3000:])
        self.assertEqual(job.stop(), 0, job.err[-3000:])
        times = Counter(message.row["seq"] for message in self.wire.messages("copies"))
        self.assertEqual(times, Counter(range(FEW)))
        stands = [self.wire.group_offset("job", "orders", queue) for queue in (0, 1)]
        self.assertEqual(sum(stands), FEW)


class AclTest(SecurityCase):
    cluster_options = {"accounts": [
        broker_security.ADMIN,
        account("job-user", SECRET, admin=True),
        account("reader-user", READER_SECRET, admin=False, defaultTopicPerm="DENY", defaultGroupPerm="DENY",
                topicPerms=["readable=SUB"], groupPerms=["allowed=SUB"]),
    ]}

    def options(self):
        return {"credentials.file": self.path("given-credentials")}

    def setUp(self):
        super().setUp()
        self.credentials("job-user", SECRET)
        self.flags = ("--credentials", self.path("given-credentials"))

    def test_a_killed_job_publishes_exactly_once(self):
        self.run_exactly_once(*self.flags)
        self.tool("topic", "describe", "copies", *self.flags)

    def test_keys_come_from_options_file_and_environment(self):
        environment = {"SLIPSTREAM_ACCESS_KEY": "job-user", "SLIPSTREAM_SECRET_KEY": SECRET}
        self.tool("topic", "create", "keys", "--queues", 1, environment=environment)
        self.wire.send("keys", '{"seq":1}')
        for given, around in ((self.options(), {}),
                              ({"accessKey": "job-user", "secretKey": SECRET}, {}),
                              ({"access-key": "job-user", "secret-key": SECRET}, {}),
                              # open brokers sign a token like any field, and do not look at it
                              ({"accessKey": "job-user", "secretKey": SECRET, "securityToken": "any"}, {}),
                              ({"credentials.file": None}, environment),
                              ({"credentials.file": None},
                               {"SLIPSTREAM_CREDENTIALS": str(self.path("given-credentials"))})):
            sql = self.sql("keys", **{"credentials.file": None, **given, "scan.bounded.mode": "latest-offset"})
            select = sql[:sql.index("CREATE TABLE dst")] + "SELECT seq FROM src;"
            self.assertIn("1", self.run_engine("run", "-e", select, "--output", "csv", environment=around))

    def test_refusals_end_a_job_at_its_start(self):
        for topic in ("orders", "copies", "readable"):
            self.tool("topic", "create", topic, "--queues", 2, *self.flags)
        missing = self.sql(**{"credentials.file": None})
        self.refused(missing, "refused by 127.0.0.1:", "no credentials are given", "SLIPSTREAM_ACCESS_KEY")
        self.credentials("job-user", "wrong-secret-55")
        self.path("given-credentials").chmod(0o644)
        self.refused(self.sql(), "refused by 127.0.0.1:", "signature", "check the credentials in", "chmod 600")
        self.credentials("nobody-at-all", "wrong-secret-55")
        self.refused(self.sql(), "refused by 127.0.0.1:", "nobody-at-all")
        self.credentials("reader-user", READER_SECRET)
        self.refused(self.sql(), "refused by 127.0.0.1:", "permission", "grant this user")
        self.refused(self.sql(exactly_once=False), "refused by 127.0.0.1:", "permission")
        self.refused(self.sql("readable", group="forbidden", exactly_once=False),
                     "refused by 127.0.0.1:", "permission")
        self.refused(self.sql(**{"credentials.file": "/nowhere/at-all"}), "/nowhere/at-all")
        one = {"credentials.file": None, "accessKey": "job-user"}
        self.refused(self.sql(**one), "'secretKey' is missing")

    def test_users_and_rules(self):
        def run(*words, status=0, flags=self.flags):
            engine = self.engine(*words, "--nameserver", self.cluster.namesrv, *flags)
            self.assertEqual(engine.wait(60), status, engine.err)
            return engine
        if not broker_security.takes_acl2(self.version):
            old = run("acl", "user", "list", status=1)
            self.assertIn("broker 'broker-a' does not know requests about users", old.err)
            return
        for topic in ("orders-of-ann", "closed"):
            self.tool("topic", "create", topic, "--queues", 1, *self.flags)
        password = self.write("given-password", "s3cret-of-ann-1\n")
        create = ("acl", "user", "create", "ann", "--password-file", password)
        self.assertIn("user 'ann' created", run(*create).err)
        self.assertIn("user 'ann' exists", run(*create, status=1).err)
        users = [json.loads(line) for line in run("acl", "user", "list", "--output", "json").out.splitlines()]
        self.assertIn({"broker": "broker-a", "user": "ann", "kind": "normal", "state": "enabled"}, users)
        self.assertIn("did you mean 'Pub'?", run("acl", "grant", "ann", "topic:x", "--actions", "pubb", status=2).err)
        self.assertIn("did you mean 'ann'?", run("acl", "grant", "anna", "topic:x", "--actions", "pub", status=1).err)
        run("acl", "grant", "ann", "topic:orders-*", "group:*", "--actions", "pub,sub,get")
        rules = [json.loads(line) for line in run("acl", "list", "ann", "--output", "json").out.splitlines()]
        self.assertEqual(sorted((rule["resource"], rule["actions"], rule["decision"]) for rule in rules),
                         [("Group:*", "Pub,Sub,Get", "allow"), ("Topic:orders-*", "Pub,Sub,Get", "allow")])
        self.credentials("ann", "s3cret-of-ann-1", "given-of-ann")
        lines = self.write("lines", "one\n")
        def send(topic, status):
            ann = ("--credentials", self.path("given-of-ann"))
            return run("produce", topic, "--file", lines, status=status, flags=ann)
        send("orders-of-ann", 0)
        self.assertIn("refused by", send("closed", 1).err)
        run("acl", "revoke", "ann", "topic:orders-*")
        self.assertIn("has no rule for Group:x", run("acl", "revoke", "ann", "group:x", status=1).err)
        self.assertIn("refused by", send("orders-of-ann", 1).err)
        run("acl", "user", "delete", "ann")
        self.assertIn("there is no user 'ann'", run("acl", "list", "ann", status=1).err)
        for engine in self.engines:
            self.assertNotIn("s3cret-of-ann", engine.out + engine.err)

    def change_secret(self, name, secret):
        if broker_security.takes_acl2(self.version):
            body = json.dumps({"username": name, "password": secret, "userType": "Super",
                               "userStatus": "enable"}).encode()
            self.wire.ask(UPDATE_USER, {"username": name}, body)
            return
        accounts = [{**each, "secretKey": secret} if each["accessKey"] == name else each
                    for each in self.cluster.accounts]
        (self.cluster.dir / "conf/plain_acl.yml").write_text(broker_security.acl_yaml(accounts))

    def test_credentials_that_expire_in_mid_run(self):
        for topic in ("expiring", "expired"):
            self.tool("topic", "create", topic, "--queues", 1, *self.flags)
        self.addCleanup(self.change_secret, "job-user", SECRET)
        job = self.start(self.sql("expiring", "expired", "expiring_job"))
        self.wire.send("expiring", '{"seq":1}')
        wait_for(lambda: self.wire.count("expired") == 1 or not job.is_running(), 60, "the first copy")
        # The new secret is in the file before the broker asks for it: the job notices nothing.
        self.credentials("job-user", "wrong-secret-55")
        self.change_secret("job-user", "wrong-secret-55")

        def goes_on():
            self.assertTrue(job.is_running(), job.err[-3000:])
            self.wire.send("expiring", '{"seq":2}')
            return "took new credentials" in job.err
        wait_for(goes_on, 60, "the new credentials", pause=0.3)
        seen = self.wire.count("expired")
        self.wire.send("expiring", '{"seq":3}')
        wait_for(lambda: self.wire.count("expired") > seen or not job.is_running(), 60, "a copy after that")
        self.assertTrue(job.is_running(), job.err[-3000:])
        # Now they expire, and nobody writes new ones.
        self.change_secret("job-user", SECRET)
        deadline = time.monotonic() + 60 * PATIENCE
        while job.is_running() and time.monotonic() < deadline:
            self.wire.send("expiring", '{"seq":4}')
            time.sleep(0.3)
        self.assertNotEqual(job.wait(1), 0)
        self.assertIn("refused by 127.0.0.1:", job.err)
        self.assertIn("given-credentials", job.err)
        # Renewed, the same command goes on where it was, and nothing is there twice.
        self.credentials("job-user", SECRET)
        sent = self.wire.count("expiring")
        job = self.start(self.sql("expiring", "expired", "expiring_job"))
        wait_for(lambda: self.wire.count("expired") >= sent or not job.is_running(), 60, "all copies")
        self.assertTrue(job.is_running(), job.err[-3000:])
        self.assertEqual(job.stop(), 0, job.err[-3000:])
        self.assertEqual(self.wire.count("expired"), sent)

    def test_plans_and_statements_hide_secrets(self):
        keys = {"credentials.file": None, "accessKey": "job-user", "secretKey": SECRET,
                "securityToken": "wrong-secret-55"}
        sql = self.sql(**keys)
        self.write("given-plan.sql", sql)
        for verb in ("explain", "check"):
            self.run_engine(verb, self.path("given-plan.sql"))
        shown = self.run_engine("run", "-e", sql[:sql.index("INSERT")] + "SHOW CREATE TABLE src; DESCRIBE src;")
        self.assertIn("'secretKey' = '***'", shown)  # of a length that says nothing (finding 39)
        broken = self.write("given-broken.sql",
                            f"CREATE TABLE t (a INT) WITH ('connector' = 'rocketmq', 'secretKey' = '{SECRET}' oops")
        engine = self.engine("check", broken)
        self.assertNotEqual(engine.wait(30), 0)
        self.assertIn("oops", engine.err + engine.out)
        unknown = self.sql(**{**keys, "tls.verify": SECRET, "no-such-option": "1"})
        engine = self.engine("check", self.write("given-unknown.sql", unknown.replace(
            f"'tls.verify' = '{SECRET}'", "'tls.enabled' = 'perhaps'")))
        self.assertNotEqual(engine.wait(30), 0)


class TlsTest(SecurityCase):
    cluster_options = {"tls": "mutual"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tls_dir = cls.cluster.dir / "tls"
        cls.stranger = broker_security.Authority(cls.cluster.dir / "tls-stranger", "A stranger")
        cls.stranger.issue("client")
        cls.cluster.authority.issue("old-client", days=-1)
        cls.cluster.authority.issue("locked-client", password="wrong-secret-55")

    def options(self):
        return {"tls.enabled": "true", "tls.ca-file": self.tls_dir / "ca.pem",
                "tls.cert-file": self.tls_dir / "client.pem", "tls.key-file": self.tls_dir / "client.key"}

    def flags(self, ca=None, cert="client", directory=None, *more):
        directory = directory or self.tls_dir
        own = ("--tls-cert", directory / f"{cert}.pem", "--tls-key", directory / f"{cert}.key") if cert else ()
        return ("--tls", "--tls-ca", ca or self.tls_dir / "ca.pem", *own, *more)

    def test_a_killed_job_publishes_exactly_once(self):
        self.run_exactly_once(*self.flags())

    def test_the_environment_is_enough(self):
        environment = {"SLIPSTREAM_TLS": "true", "SLIPSTREAM_TLS_CA_FILE": str(self.tls_dir / "ca.pem"),
                       "SLIPSTREAM_TLS_CERT_FILE": str(self.tls_dir / "locked-client.pem"),
                       "SLIPSTREAM_TLS_KEY_FILE": str(self.tls_dir / "locked-client.key"),
                       "SLIPSTREAM_TLS_KEY_PASSWORD": "wrong-secret-55"}
        self.tool("topic", "create", "by_environment", environment=environment)
        plain = {name: None for name in self.options()}
        sql = self.sql("by_environment", **plain, **{"scan.bounded.mode": "latest-offset"})
        select = sql[:sql.index("CREATE TABLE dst")] + "SELECT seq FROM src;"
        self.run_engine("run", "-e", select, environment=environment)

    def test_what_is_wrong_or_missing_is_refused(self):
        for flags, parts in (
                (self.flags(ca=self.stranger.ca), ("trusted authority", "tls.ca-file", self.cluster.namesrv)),
                (self.flags(None, "client", None, "--tls-server-name", "broker.example"),
                 ("is not for 'broker.example'", "tls.server-name")),
                (self.flags(cert=None), ("refuses this client's certificate", "tls.cert-file")),
                (self.flags(cert="old-client"), ("refuses this client's certificate",)),
                (self.flags(None, "client", self.stranger.dir), ("refuses this client's certificate",))):
            text = self.tool("topic", "list", *flags, status=1)
            for part in parts:
                self.assertIn(part, text)
        for flags, part in ((self.flags(cert="locked-client"), "tls.key-password"),
                            (self.flags(ca="/nowhere.pem"), "/nowhere.pem")):
            self.assertIn(part, self.tool("topic", "list", *flags, status=2))
        self.assertIn("does it demand TLS", self.tool("topic", "list", status=1))
        self.tool("topic", "list", *self.flags(None, "client", None, "--tls-verify", "ca",
                                               "--tls-server-name", "broker.example"))
        self.tool("topic", "list", *self.flags("/dev/null", "client", None, "--tls-verify", "none"))

    def test_a_job_that_is_refused_ends(self):
        self.tool("topic", "create", "refused_here", *self.flags())
        self.refused(self.sql("refused_here", **{"tls.ca-file": self.stranger.ca}), "trusted authority")
        self.refused(self.sql("refused_here", **{"tls.cert-file": None, "tls.key-file": None}),
                     "refuses this client's certificate")
        plain = {name: None for name in self.options()}
        self.refused(self.sql("refused_here", **plain), "does it demand TLS")
        self.refused(self.sql("refused_here", **{"tls.enabled": None}), "no effect without 'tls.enabled'")

    def test_an_expired_certificate_of_the_server(self):
        """Servers take new files over while they run."""
        authority = self.cluster.authority
        self.addCleanup(wait_for, lambda: self.creates(0), 60, "the new certificate", 0.3)
        self.addCleanup(authority.issue, "server")
        authority.issue("server", days=-1)
        text = wait_for(lambda: self.creates(1), 60, "the expired certificate", 0.3)
        self.assertIn("expired on ", text)
        self.assertIn("renew it on the server", text)

    def creates(self, status):
        """Name server and broker are both asked; each takes its new files over when it looks for them."""
        engine = self.engine("topic", "create", "renewed", "--nameserver", self.cluster.namesrv, *self.flags())
        return engine.wait(60) == status and (engine.err or True)


class OneWayTlsTest(SecurityCase):
    cluster_options = {"tls": "enforcing", "accounts": [broker_security.ADMIN, account("job-user", SECRET, admin=True)]}

    def test_tls_and_access_control_together(self):
        self.credentials("job-user", SECRET)
        flags = ("--tls", "--tls-ca", self.cluster.dir / "tls/ca.pem", "--credentials",
                 self.path("given-credentials"))
        self.tool("topic", "create", "both", "--queues", 1, *flags)
        self.engine("produce", "both", "--file", self.write("given-lines", '{"seq":1}\n'), "--nameserver",
                    self.cluster.namesrv, *flags).wait(60)
        out = self.tool("consume", "both", *flags)
        self.assertIn('{"seq":1}', out)
        self.assertIn("trusted authority", self.tool("topic", "list", "--tls", status=1))


del SecurityCase  # a base, no test of its own

if __name__ == "__main__":
    main()
