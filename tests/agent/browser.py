"""browser.py - Chromium without a screen, told what to do over the WebDriver protocol.

Standard library only. Each wait is for a condition, and long: a loaded machine is slow, not
wrong.
"""

import base64
import json
import os
import re
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

LIMIT = 120
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
KEYS = {"tab": "\ue004", "enter": "\ue007", "escape": "\ue00c", "space": " ", "shift": "\ue008", "down": "\ue015"}


class Failed(Exception):
    pass


class Browser:
    narrow = True  # it shows pages as narrow as wanted

    def __init__(self, language):
        self.folder = tempfile.mkdtemp(prefix="twcard-pages.")
        self.log = open(os.path.join(self.folder, "chromedriver.log"), "w+", encoding="utf-8")
        self.driver = subprocess.Popen(
            ["chromedriver", "--port=0"], stdout=self.log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            env={**os.environ, "HOME": self.folder, "TMPDIR": self.folder},
        )
        self.session = None
        try:
            self.base = f"http://127.0.0.1:{self.port()}"
            options = {"args": [
                "--headless=new", "--no-sandbox", "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage",
                "--disable-background-networking", "--disable-component-update", "--no-proxy-server",
                f"--user-data-dir={self.folder}/profile", f"--accept-lang={language}", "--window-size=1000,800",
            ]}
            made = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}})
            self.session = made["sessionId"]
        except BaseException:
            self.stop()
            raise

    def port(self):
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            with open(self.log.name, encoding="utf-8") as file:
                found = re.search(r"started successfully on port (\d+)", file.read())
            if found:
                return int(found.group(1))
            if self.driver.poll() is not None:
                break
            time.sleep(0.1)
        raise Failed("chromedriver does not start")

    def ask(self, method, path, body=None):
        request = urllib.request.Request(
            self.base + path, method=method, headers={"Content-Type": "application/json"},
            data=json.dumps(body if body is not None else {}).encode() if method == "POST" else None,
        )
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=LIMIT) as reply:
                return json.load(reply)["value"]
        except urllib.error.HTTPError as error:
            raise Failed(json.load(error)["value"]["message"].splitlines()[0]) from None

    def post(self, path, body=None):
        return self.ask("POST", f"/session/{self.session}{path}", body)

    def get(self, path):
        return self.ask("GET", f"/session/{self.session}{path}")

    def stop(self):
        try:
            if self.session:
                self.ask("DELETE", f"/session/{self.session}")
        except (Failed, OSError):
            pass
        self.driver.terminate()
        try:
            self.driver.wait(30)
        except subprocess.TimeoutExpired:
            self.driver.kill()
            self.driver.wait()
        self.log.close()
        subprocess.run(["rm", "-rf", self.folder], check=False)

    # ---- pages ----

    def open(self, url):
        self.post("/url", {"url": url})

    def run(self, script, *arguments):
        """The value of a function's body in the page; a promise is waited for."""
        return self.post("/execute/sync", {"script": script, "args": list(arguments)})

    def devtools(self, command, **parameters):
        return self.post("/goog/cdp/execute", {"cmd": command, "params": parameters})

    def wait(self, script, *arguments):
        """Until the expression is true in the page; gives its value."""
        return self.until(lambda: self.run(f"return {script}", *arguments), script)

    def until(self, condition, what):
        end = time.monotonic() + LIMIT
        problem = None
        while time.monotonic() < end:
            try:
                value = condition()
                if value:
                    return value
            except Failed as error:
                problem = error
            time.sleep(0.1)
        raise Failed(f"waited in vain for: {what} ({problem})")

    def find(self, selector):
        self.wait("document.querySelector(arguments[0]) !== null", selector)
        return self.post("/element", {"using": "css selector", "value": selector})[ELEMENT]

    def click(self, selector):
        self.wait("(e => e && !e.disabled && e.getClientRects().length > 0)(document.querySelector(arguments[0]))", selector)
        self.run("document.querySelector(arguments[0]).scrollIntoView({block: 'center'})", selector)
        self.post(f"/element/{self.find(selector)}/click")

    def type(self, selector, text):
        self.post(f"/element/{self.find(selector)}/value", {"text": text})

    def keys(self, *names):
        """Keys for whatever has the focus; the first may be "shift"."""
        actions = []
        held = [KEYS["shift"]] if names[0] == "shift" else []
        for key in held:
            actions.append({"type": "keyDown", "value": key})
        for name in names[len(held):]:
            for key in [KEYS[name]] if name in KEYS else name:
                actions += [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        for key in held:
            actions.append({"type": "keyUp", "value": key})
        self.post("/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def text(self):
        return self.run("return document.body.innerText")

    # ---- windows ----

    def windows(self):
        return self.get("/window/handles")

    def go_to(self, window):
        self.post("/window", {"handle": window})

    def close(self):
        self.ask("DELETE", f"/session/{self.session}/window")

    # ---- how the person sees it ----

    def look(self, dark=False, width=None, height=800):
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        if width:
            self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        else:
            self.devtools("Emulation.clearDeviceMetricsOverride")

    def picture(self, path):
        shot = self.devtools("Page.captureScreenshot", captureBeyondViewport=True)
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))
