#!/usr/bin/env python3
"""The client's own tests that need a broker: Live*Test of src/rocketmq/client, some beside the official Java client."""
import os
import subprocess

from harness import PATIENCE, ROOT, EndToEndTest, main

TESTS = os.environ.get("SLIPSTREAM_CLIENT_TESTS", str(ROOT / "build/dev/bin/rocketmq_test"))


class ClientTest(EndToEndTest):
    broker_options = {"transactionCheckInterval": 2000, "transactionTimeOut": 1000}

    def live(self, tests, passed, **environment):
        """Runs tests of the client, all of which must pass and none be skipped."""
        environment = dict(os.environ, SLIPSTREAM_TEST_NAME_SERVER=self.cluster.namesrv,
                           **{f"SLIPSTREAM_TEST_{name.upper()}": str(value) for name, value in environment.items()})
        done = subprocess.run([TESTS, f"--gtest_filter={tests}"], env=environment, capture_output=True, text=True,
                              timeout=240 * PATIENCE)
        self.assertEqual(done.returncode, 0, (done.stdout + done.stderr)[-5000:])
        self.assertIn(f"[  PASSED  ] {passed} test", done.stdout)
        self.assertNotIn("SKIPPED", done.stdout)

    def test_client_against_a_real_broker(self):
        self.live("LiveTest.*", 3)

    def test_transactions_read_by_java(self):
        self.audit.create_topic("transactions")
        self.live("LiveTransactionTest.*", 1, transaction_topic="transactions")
        expected = [f"{name}-{n}" for name in ("asked-commit", "commit") for n in range(10)]
        self.assertEqual(sorted(self.audit.bodies("transactions")), sorted(expected))


if __name__ == "__main__":
    main()
