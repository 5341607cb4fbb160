"""firefox.py - Firefox on a screen of its own, told what to do by Marionette, its own protocol.

What it understands are WebDriver's commands under other names, so it is used as browser.py's.
"""

import base64
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

from browser import LIMIT, Browser, Failed

# By WebDriver's path; {id} is an element's.
COMMANDS = {
    "/url": "WebDriver:Navigate", "/execute/sync": "WebDriver:ExecuteScript", "/element": "WebDriver:FindElement",
    "/actions": "WebDriver:PerformActions", "/window": "WebDriver:SwitchToWindow",
    "/element/{id}/click": "WebDriver:ElementClick", "/element/{id}/value": "WebDriver:ElementSendKeys",
}
QUESTIONS = {"/window": "WebDriver:GetWindowHandle", "/window/handles": "WebDriver:GetWindowHandles"}
# Nothing of it asks another machine, or a person.
PREFERENCES = {
    "marionette.port": 0, "browser.shell.checkDefaultBrowser": False, "browser.startup.page": 0, "app.update.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False, "network.proxy.type": 0, "browser.aboutwelcome.enabled": False,
    "network.captive-portal-service.enabled": False, "network.connectivity-service.enabled": False,
    "browser.tabs.warnOnClose": False, "toolkit.telemetry.enabled": False, "browser.safebrowsing.downloads.remote.enabled": False,
}
DARK = "layout.css.prefers-color-scheme.content-override"


class Firefox(Browser):
    narrow = False  # its windows have a least width

    def __init__(self, language):
        self.folder = tempfile.mkdtemp(prefix="twcard-firefox.")
        self.programs = []
        self.socket = None
        self.number = 0
        self.received = b""
        try:
            profile = os.path.join(self.folder, "profile")
            os.mkdir(profile)
            with open(os.path.join(profile, "user.js"), "w", encoding="utf-8") as file:
                for name, value in {**PREFERENCES, "intl.accept_languages": language}.items():
                    file.write(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n")
            screen = self.screen()
            self.start(["firefox", "--marionette", "--remote-allow-system-access", "--no-remote", "--profile", profile, *([] if screen else ["--headless"])],
                       "firefox.log", DISPLAY=screen or "")
            self.connect(profile)
            self.marionette("WebDriver:NewSession", {"capabilities": {"alwaysMatch": {}}})
        except BaseException:
            self.stop()
            raise

    # ---- the programs ----

    def start(self, words, log, handles=(), **more):
        file = open(os.path.join(self.folder, log), "w+", encoding="utf-8")
        environment = {**os.environ, "HOME": self.folder, "TMPDIR": self.folder, "XDG_CONFIG_HOME": self.folder, "XDG_CACHE_HOME": self.folder, **more}
        program = subprocess.Popen(words, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=environment, pass_fds=handles)
        file.close()
        self.programs.append(program)
        return program

    def screen(self):
        """A screen that is nobody else's; None: without Xvfb there is none."""
        if not shutil.which("Xvfb"):
            return None
        reader, writer = os.pipe()
        self.start(["Xvfb", "-displayfd", str(writer), "-screen", "0", "1200x1000x24", "-nolisten", "tcp"], "xvfb.log", [writer])
        os.close(writer)
        with os.fdopen(reader) as said:
            number = said.readline().strip()
        if not number:
            raise Failed("Xvfb does not start")
        return f":{number}"

    def connect(self, profile):
        path = os.path.join(profile, "MarionetteActivePort")
        end = time.monotonic() + LIMIT
        while time.monotonic() < end and self.programs[-1].poll() is None:
            try:
                with open(path, encoding="utf-8") as file:
                    self.socket = socket.create_connection(("127.0.0.1", int(file.read())), LIMIT)
                    self.receive()
                    return
            except (OSError, ValueError):
                time.sleep(0.1)
        raise Failed("Firefox does not start")

    def stop(self):
        if self.socket:
            try:
                self.marionette("Marionette:Quit", {"flags": ["eForceQuit"]})
            except (Failed, OSError):
                pass
            self.socket.close()
        for program in reversed(self.programs):
            program.terminate()
            try:
                program.wait(30)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- Marionette: "LENGTH:JSON" ----

    def receive(self):
        while True:
            head, mark, rest = self.received.partition(b":")
            if mark and len(rest) >= int(head):
                self.received = rest[int(head):]
                return json.loads(rest[:int(head)])
            piece = self.socket.recv(1 << 16)
            if not piece:
                raise Failed("Firefox has ended")
            self.received += piece

    def marionette(self, name, values):
        self.number += 1
        text = json.dumps([0, self.number, name, values]).encode()
        self.socket.sendall(b"%d:%s" % (len(text), text))
        while True:
            kind, number, error, value = self.receive()
            if kind == 1 and number == self.number:
                break
        if error:
            raise Failed(error["message"].splitlines()[0])
        return value["value"] if isinstance(value, dict) and list(value) == ["value"] else value

    def post(self, path, body=None):
        found = re.match(r"/element/([^/]+)(/.*)", path)
        if found:
            return self.marionette(COMMANDS["/element/{id}" + found.group(2)], {**(body or {}), "id": found.group(1)})
        return self.marionette(COMMANDS[path], body or {})

    def get(self, path):
        return self.marionette(QUESTIONS[path], {})

    def close(self):
        self.marionette("WebDriver:CloseWindow", {})

    # ---- how the person sees it ----

    def chrome(self, script, *arguments):
        self.marionette("Marionette:SetContext", {"value": "chrome"})
        try:
            return self.marionette("WebDriver:ExecuteScript", {"script": script, "args": arguments})
        finally:
            self.marionette("Marionette:SetContext", {"value": "content"})

    def look(self, dark=False, width=None, height=800):
        assert width is None
        self.chrome("Services.prefs.setIntPref(arguments[0], arguments[1])", DARK, 0 if dark else 1)
        self.wait("matchMedia('(prefers-color-scheme: dark)').matches === arguments[0]", dark)

    def picture(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.marionette("WebDriver:TakeScreenshot", {"full": True})))
