#!/usr/bin/env python3
"""The conformance suites of connectors, run by rocketmq: src/connectors/rocketmq/live_conformance_test.cc."""
import os
import re
import subprocess

from harness import PATIENCE, ROOT, EndToEndTest, main

TESTS = os.environ.get("SLIPSTREAM_CONNECTOR_TESTS", str(ROOT / "build/dev/bin/rocketmq_connector_test"))
SUITES = re.compile(r"TYPED_TEST_P\((SourceConformance|SinkConformance), ")


def tests_of_suites():
    headers = (ROOT / "src/connector_kit/testing").glob("*_conformance.h")
    return sum(len(SUITES.findall(header.read_text())) for header in headers)


class ConformanceTest(EndToEndTest):
    def test_rocketmq_on_a_real_broker(self):
        environment = dict(os.environ, SLIPSTREAM_TEST_NAME_SERVER=self.cluster.namesrv)
        done = subprocess.run([TESTS, "--gtest_filter=LiveRocketMq/*"], env=environment, capture_output=True,
                              text=True, timeout=600 * PATIENCE)
        self.assertEqual(done.returncode, 0, (done.stdout + done.stderr)[-5000:])
        self.assertIn(f"[  PASSED  ] {tests_of_suites()} tests.", done.stdout)


if __name__ == "__main__":
    main()
