#!/usr/bin/env python3
"""The client's own tests that need a broker: LiveTest of src/rocketmq/client/live_test.cc."""
import os
import subprocess

from harness import PATIENCE, ROOT, EndToEndTest, main

TESTS = os.environ.get("SLIPSTREAM_CLIENT_TESTS", str(ROOT / "build/dev/bin/rocketmq_test"))


class ClientTest(EndToEndTest):
    def test_client_against_a_real_broker(self):
        environment = dict(os.environ, SLIPSTREAM_TEST_NAME_SERVER=self.cluster.namesrv)
        done = subprocess.run([TESTS, "--gtest_filter=LiveTest.*"], env=environment, capture_output=True, text=True,
                              timeout=240 * PATIENCE)
        self.assertEqual(done.returncode, 0, (done.stdout + done.stderr)[-5000:])
        self.assertIn("[  PASSED  ] 3 tests.", done.stdout)


if __name__ == "__main__":
    main()
