"""What tests of `slipstream serve` share: a server of their own and its REST interface."""
import json
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from harness import PATIENCE, PROGRAM, ROOT, EndToEndTest, wait_for


class ServedTest(EndToEndTest):
    def serve(self, *arguments, environment=None):
        engine = self.engine("serve", "--port", "0", "--state-dir", self.path("state"), "--log-format", "json",
                             *arguments, environment=environment)
        found = wait_for(lambda: re.search(r"serving on (http://[\d.:]+)", engine.err) or not engine.is_running(),
                         60, "the server")
        self.assertNotEqual(found, True, engine.err)
        self.url = found[1]
        return engine

    def call(self, method, path, body=None, token=None):
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60 * PATIENCE) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def metrics(self):
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=60 * PATIENCE) as answer:
            return answer.read().decode()

    def check_metrics_are_listed(self):
        """Every sample that the server gives out is of a family that `slipstream metrics` lists, with its labels."""
        listed = subprocess.run([PROGRAM, "metrics"], capture_output=True, text=True, check=True).stdout
        families = {name: [set(filter(None, one.split(", "))) for one in labels.split(" or ")]
                    for name, labels in re.findall(r"\| `(\w+)` \| ([^|]*?) \|", listed)}
        samples = re.findall(r"^(\w+)(\{.*\})? [-+.\de]+$", self.metrics(), re.M)
        self.assertTrue(samples)
        for name, labels in samples:
            self.assertIn(set(re.findall(r'(\w+)="', labels)), families.get(name, []), f"{name}{labels}")

    def job(self, name):
        return self.call("GET", f"/api/v1/jobs/{name}")[1]

    def submit(self, name, sql, **more):
        status, answer = self.call("POST", "/api/v1/jobs", {"name": name, "sql": sql, **more})
        self.assertEqual(status, 201, answer)

    def await_state(self, name, state):
        wait_for(lambda: self.job(name)["state"] == state, 120, f"job {name} to be {state}; it is {self.job(name)}")


class ServedAloneTest(ServedTest):
    """Without a broker."""

    @classmethod
    def setUpClass(cls):
        cls.base = ROOT / "build/e2e" / Path(sys.argv[0]).stem / cls.__name__
        shutil.rmtree(cls.base, ignore_errors=True)
        cls.base.mkdir(parents=True)

    @classmethod
    def tearDownClass(cls):
        pass
