"""A headless browser over the WebDriver protocol, with Python's standard library alone."""
import base64
import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile

from harness import PATIENCE, broker, wait_for

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


def is_installed():
    return shutil.which("chromedriver") is not None and shutil.which("chromium") is not None


class Browser:
    """Chromium with an empty profile; close() ends it."""

    def __init__(self, width=1200, height=800, dark=False):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.profile = tempfile.mkdtemp(prefix="slipstream-browser-")
        self.driver = subprocess.Popen(["chromedriver", f"--port={self.port}"], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, preexec_fn=broker.die_with_parent)
        self.session = None
        try:
            wait_for(self._is_ready, 30, "chromedriver")
            arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                         "--disable-background-networking", "--disable-component-update", "--disable-sync",
                         f"--window-size={width},{height}", "--hide-scrollbars", f"--user-data-dir={self.profile}"]
            wanted = {"browserName": "chrome", "goog:chromeOptions": {"args": arguments}}
            answer = self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
            self.session = answer["sessionId"]
            if dark:
                scheme = {"name": "prefers-color-scheme", "value": "dark"}
                self._devtools("Emulation.setEmulatedMedia", features=[scheme])
            self._devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                           mobile=False)
        except BaseException:
            self.close()
            raise

    def _is_ready(self):
        try:
            return self._call("GET", "/status")["ready"]
        except OSError:
            return False

    def _call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60 * PATIENCE)
        connection.request(method, path, None if body is None else json.dumps(body),
                           {"Content-Type": "application/json"})
        value = json.loads(connection.getresponse().read())["value"]
        connection.close()
        if isinstance(value, dict) and "error" in value:
            raise AssertionError(f"{value['error']}: {value['message'].splitlines()[0]}")
        return value

    def _command(self, method, path, body=None):
        return self._call(method, f"/session/{self.session}{path}", body)

    def _devtools(self, command, **parameters):
        self._command("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def open(self, url):
        self._command("POST", "/url", {"url": url})

    def script(self, text, *arguments):
        """The value of a JavaScript function body."""
        return self._command("POST", "/execute/sync", {"script": text, "args": list(arguments)})

    def _element(self, selector):
        return self._command("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def click(self, selector):
        self._command("POST", f"/element/{self._element(selector)}/click", {})

    def type(self, selector, text):
        self._command("POST", f"/element/{self._element(selector)}/value", {"text": text})

    def text(self, selector):
        """What a person reads there; empty when it is not there, or hidden."""
        return self.script("const e = document.querySelector(arguments[0]);"
                           "return e && e.checkVisibility() ? e.innerText ?? e.textContent : ''", selector)

    def wait_text(self, selector, part, seconds=30):
        return wait_for(lambda: (text := self.text(selector)) and part in text and text, seconds,
                        f"'{part}' in {selector}; there is '{self.text(selector)}'")

    def value(self, selector):
        """What stands in a field."""
        return self.script("return document.querySelector(arguments[0]).value", selector)

    def texts(self, selector):
        """What a person reads in each of them."""
        return self.script("return [...document.querySelectorAll(arguments[0])].map(e => e.innerText ?? e.textContent)",
                           selector)

    def reload(self):
        self._command("POST", "/refresh", {})

    def resize(self, width, height):
        self._devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                       mobile=False)

    def problems(self):
        """What the page wrote to the console as errors."""
        entries = self._command("POST", "/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]

    def screenshot(self, path):
        path.write_bytes(base64.b64decode(self._command("GET", "/screenshot")))

    def close(self):
        if self.session:
            self._command("DELETE", "")
            self.session = None
        self.driver.terminate()
        self.driver.wait()
        # its last processes may still write for a moment
        wait_for(lambda: shutil.rmtree(self.profile, ignore_errors=True) or not os.path.exists(self.profile), 10,
                 "the end of the browser")
