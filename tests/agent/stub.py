#!/usr/bin/env python3
"""stub.py - stands in for twcard-agent, for work on its pages without cards.

    stub.py [--pages FOLDER]

Serves the pages with the headers that the agent sends, and answers what they ask from a world
that tests change. Prints "ready: AGENT SITE", the addresses of the agent and of a site of
another origin whose page opens the agent's popups. In a test it is imported: see Stub.

It checks no tokens well: that is the agent's own work, and tested there.
"""

import argparse
import base64
import copy
import hashlib
import json
import os
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HERE = os.path.dirname(os.path.abspath(__file__))
PAGES = os.path.join(HERE, "..", "..", "tools", "agent", "pages")
POPUPS = ["/popupForm", "/ChtPopupForm", "/CardManagement/CMCPopForm"]
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
UPLOADS = ["/manage/file", "/manage/signature"]
TOKEN = "t" * 43
KEY = "once"
CANCELLED = {"func": "sign", "ret_code": 0x76000999, "last_error": 0, "message": "cancelled by the user"}
BLOCKED = {"func": "sign", "ret_code": 0x7600000F, "last_error": 0, "message": "domain forbidden"}
# Foreign text of the worst kind: markup, and characters that turn the direction of a line.
EVIL = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
TURNED = "Reader \u202egnp.exe\u0007"
DAY = 86400


def certificate(label, usage, name, days):
    now = int(time.time())
    return {
        "label": label, "usage": usage, "certb64": base64.b64encode(label.encode()).decode(), "id": "MQ==", "sn": "1A2B3C",
        "subjectCN": name, "subjectDN": f"C=TW,CN={name},serialNumber=1234567890123456",
        "issuerDN": "C=TW,O=行政院,OU=內政部憑證管理中心", "notBeforeT": now - 100 * DAY, "notAfterT": now + days * DAY + DAY // 2,
    }


def card(name, number):
    return {
        "serialNumber": number, "label": "HICOS PKI Smart Card", "model": "PKI Card v3", "manufacturerID": "Chunghwa Telecom",
        "certs": [
            certificate("cert1", "digitalSignature", name, 400), certificate("cert2", "keyEncipherment|dataEncipherment", name, 12),
            certificate("CA Cert", "keyCertSign|cRLSign", "內政部憑證管理中心", 3000),
        ],
    }


def world():
    """What there is: tests copy and change it."""
    mine = card("王小明", "TP01234567890123")
    return {
        "slots": [
            {"slotDescription": "Alcor Micro AU9560 00 00", "slotID": 0, "token": mine},
            {"slotDescription": TURNED, "slotID": 1, "token": card(EVIL, "TP99999999999999")},
            {"slotDescription": "Broken <b>reader</b>", "slotID": 2, "token": "unknown token"},
            {"slotDescription": "Empty reader", "slotID": 3},
        ],
        "sites": [
            {"origin": "https://moica.nat.gov.tw", "state": "allowed", "since": 1700000000, "session": False},
            {"origin": "https://evil.example", "state": "blocked", "since": 1700000000, "session": False},
        ],
        "right_pin": "975310", "last_try": False, "can_check": True, "valid": True, "authz": [AUTHORIZATION],
        # What a popup gets for each func; None: done at once.
        "consent": {
            "MakeSignature": {
                "kind": "sign", "shows": {"text": "我同意 <b>these terms</b>", "size": 30, "sha256": "ab" * 32}, "pin": "ask", "why": "no-pin",
            },
            "GetUserCert": None, "CheckEnvir": None,
            "DecryptData": {"kind": "decrypt", "shows": {"text": None, "size": 256, "sha256": "cd" * 32}, "pin": "given", "why": "none"},
        },
        "site_state": "unknown", "seconds": 600, "typed": None,
        "lines": ["2026-01-02 03:04:05 service listening", f"2026-01-02 03:04:06 origin {EVIL}"],
        "steps": [
            {"name": "service", "good": True, "text": {"en": "PC/SC answers", "zh_TW": "PC/SC 服務正常"}},
            {"name": "reader", "good": True, "text": {"en": "4 readers", "zh_TW": "4 台讀卡機"}},
            {"name": "card", "good": False, "text": {"en": f"odd card {EVIL}", "zh_TW": f"無法辨識的卡片 {EVIL}"}},
            {"name": "certificate", "good": None, "text": {"en": "not looked at", "zh_TW": "未檢查"}},
        ],
    }


class Stub:
    """Both servers in threads of their own. world: may be changed at any time; then call changed()."""

    def __init__(self, pages=PAGES):
        self.pages = pages
        self.world = world()
        self.generation = 1
        self.kept = {}  # uploads, by name
        self.seen = []  # (path, headers, body) of each POST
        self.answers = ThreadingHTTPServer(("127.0.0.1", 0), handler(self, agent_get, agent_post))
        self.sites = ThreadingHTTPServer(("127.0.0.1", 0), handler(self, site_get, None))
        self.url = f"http://localhost:{self.answers.server_address[1]}"
        self.site = f"http://127.0.0.1:{self.sites.server_address[1]}"
        for server in (self.answers, self.sites):
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, daemon=True).start()

    def changed(self):
        self.generation += 1

    def posts(self, path):
        return [one for one in self.seen if one[0] == path]

    def stop(self):
        for server in (self.answers, self.sites):
            server.shutdown()
            server.server_close()


def handler(stub, get, post):
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_arguments):
            pass

        def send(self, status, kind, body, headers=()):
            self.send_response(status)
            for name, value in [("Content-Type", kind), ("Content-Length", str(len(body))), ("Cache-Control", "no-store"), *headers]:
                self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                pass  # the page is gone

        def do_GET(self):
            get(stub, self, urllib.parse.urlsplit(self.path))

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            path = urllib.parse.urlsplit(self.path).path
            if path in UPLOADS:
                stub.seen.append((path, dict(self.headers), body))
                status, answer = keep(stub, path, self.headers, body)
            else:
                stub.seen.append((path, dict(self.headers), body.decode()))
                status, answer = post(stub, path, self.headers, body.decode())
            self.send(status, "application/json", json.dumps(answer).encode())

    return Handler


# ---- pages ----

def page_file(path):
    if path in POPUPS:
        return "popup.html"
    if path.startswith("/pages/"):
        return os.path.basename(path)
    return {"/": "manager.html", "/addDomain": "add.html", "/selfTest.htm": "selftest.html"}.get(path)


def state(stub):
    return {
        "generation": stub.generation, "version": "0.9", "port": 61161, "queue": 0,
        "info": {"func": "pkcs11info", "ret_code": 0, "serverVersion": "1.3.4.99", "slots": stub.world["slots"]},
    }


def agent_get(stub, http, url):
    if url.path == "/manage/events":
        if TOKEN not in url.query:
            http.send(401, "application/json", b'{"error":"token"}')
        else:
            http.send(200, "text/event-stream", f"retry: 200\nevent: state\ndata: {json.dumps(state(stub))}\n\n".encode())
        return
    name = page_file(url.path)
    path = os.path.join(stub.pages, name or "none")
    if not name or not os.path.exists(path):
        http.send(404, "text/plain", b"none")
        return
    with open(path, "rb") as file:
        data = file.read()
    if name.endswith(".html"):
        wanted = urllib.parse.parse_qs(url.query).get("domain", [""])[0]
        ready = "CMCAtn" if url.path.endswith("CMCPopForm") else "getTbs"
        for mark, value in (("@TOKEN@", TOKEN), ("@READY@", ready), ("@SITE@", stub.site if wanted == "127.0.0.1" else "")):
            data = data.replace(mark.encode(), value.encode())
    opener = "same-origin" if name == "manager.html" else "unsafe-none"
    http.send(200, TYPES[os.path.splitext(name)[1]], data, [
        ("Content-Security-Policy", POLICY), ("X-Frame-Options", "DENY"), ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"), ("Cross-Origin-Opener-Policy", opener),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    ])


# ---- what cards would do ----

def work(stub, func, request, pin):
    if func in ("CheckEnvir", "GetUserCert"):
        return state(stub)["info"]
    if func == "changeUserPINCode":
        return {"func": func, "ret_code": 0x7600000E, "last_error": 0, "message": "not offered for this card"}
    if pin != stub.world["right_pin"]:
        return {"func": "sign", "ret_code": 0x76100006, "last_error": 0xA0, "message": "login failed", "message2": "the PIN is wrong"}
    return {
        "func": "sign", "ret_code": 0, "last_error": 0, "signature": base64.b64encode(b"signature of " + request.get("tbs", "").encode()).decode(),
        "cardSN": "TP01234567890123",
    }


def done(answer):
    return 200, {"state": "done", "answer": json.dumps(answer)}


def consent(stub, origin, func):
    asked = {
        "state": "consent", "token": "c" * 43, "seconds": stub.world["seconds"],
        "site": {"origin": origin, "state": stub.world["site_state"]}, "func": func,
        "card": {"reader": stub.world["slots"][0]["slotDescription"], "serial": "TP01234567890123"},
        "certificate": stub.world["slots"][0]["token"]["certs"][0], "typed": stub.world["typed"],
        "may": ["once", "site", "session"], "cancelled": json.dumps(CANCELLED), "shows": None, "pin": "none", "why": "none",
    }
    asked.update(copy.deepcopy(stub.world["consent"][func]))
    if stub.world["typed"]:
        asked["why"] = "last-try"
    return 200, asked


def popup(stub, headers, body):
    request = json.loads(urllib.parse.unquote_plus(body.removeprefix("tbsPackage=")))
    stub.request = request
    if stub.world["consent"].get(request["func"]) is None:
        return done(work(stub, request["func"], request, None))
    return consent(stub, headers["X-Twcard-Origin"], request["func"])


def decision(stub, body):
    said = json.loads(body)
    if said["token"] == TOKEN:
        return done({"func": "addDomain", "ret_code": 0 if said["decision"] == "yes" else 0x76000999})
    if said["decision"] != "yes":
        return done(CANCELLED if said["decision"] == "no" else BLOCKED)
    return done(work(stub, stub.request["func"], stub.request, said.get("pin")))


def manage_call(stub, request):
    if stub.world["last_try"] and request.get("typed") != "0123":
        return 200, {"state": "typed", "typed": "0123"}
    return 200, work(stub, request["func"], request, request.get("pin"))


# ---- files ----

def keep(stub, path, headers, body):
    if headers.get("X-Twcard-Token") != TOKEN:
        return 401, {"error": "token"}
    name = f"{len(stub.kept)}{os.path.basename(path)}"
    stub.kept[name] = body
    return 200, {"upload": name, "size": len(body)}


def sign(stub, request):
    data = stub.kept[request["file"]]
    return manage_call(stub, {**request, "func": "signFile", "tbs": hashlib.sha256(data).hexdigest()})


def verify(stub, request):
    inside = stub.kept[request["signature"]].startswith(b"inside")
    if not inside and "file" not in request:
        return 200, {"state": "needs-data"}
    if inside and "file" in request:
        return 200, {"state": "data-inside"}
    signer = {
        "valid": stub.world["valid"], "certificate": {"holder": "王小明", "subject": f"CN={EVIL}", "issuer": "MOICA", "serial": "1A2B"},
        "intact": stub.world["valid"], "digest": "SHA256", "signing_time": "2026-01-02T03:04:05Z", "chain": "good",
        "problems": [] if stub.world["valid"] else [f"the data are not those that were signed {EVIL}"],
    }
    return 200, {"state": "done", "valid": stub.world["valid"], "inside": inside, "encoding": "der", "signers": [signer]}


AUTHORIZATION = {
    "kind": "applications", "serial": "5E", "issuer": "C=TW,O=經濟部", "not_before": "2026-01-01T00:00:00Z", "not_after": "2027-01-01T00:00:00Z",
    "content": {"grants": [{"application": f"報稅 {EVIL}", "unit_name": "財務部", "unit_code": "F1", "role": None}], "bearer": {"kind": "other", "number": "A1"}},
    "verified": None, "why": "the certificate of the card that signed is not at hand",
}


def authz(stub, request):
    status, answer = manage_call(stub, {**request, "func": "authz"})
    return status, {**answer, "certificates": stub.world["authz"]} if answer.get("ret_code") == 0 else answer


def set_site(stub, request):
    known = [one for one in stub.world["sites"] if one["origin"] != request["origin"]]
    if request["state"] != "unknown":
        known.append({"origin": request["origin"], "state": request["state"], "since": 1700000000, "session": False})
    stub.world["sites"] = known
    return 200, {"sites": known}


def manage(stub, name, request):
    if name == "check" and not stub.world["can_check"]:
        return 404, {"error": "method"}
    answers = {
        "state": lambda: (200, state(stub)),
        "sites": lambda: (200, {"sites": stub.world["sites"]}),
        "site": lambda: set_site(stub, request),
        "log": lambda: (200, {"lines": stub.world["lines"]}),
        "call": lambda: manage_call(stub, request),
        "check": lambda: (200, {"result": "incomplete", "points": [
            {"point": "chain", "state": "good", "text": f"to the root {EVIL}", "next": None},
            {"point": "revocation", "state": "not-checked", "text": "nobody was asked", "next": None}]}),
        "authz": lambda: authz(stub, request),
        "sign": lambda: sign(stub, request),
        "verify": lambda: verify(stub, request),
        "selftest": lambda: (200, {"steps": stub.world["steps"]}),
        "report": lambda: (200, {"text": f"twcard report\nreader: {EVIL}\n"}),
    }
    return answers[name]() if name in answers else (404, {"error": "method"})


def agent_post(stub, path, headers, body):
    if path == "/manage/login":
        if json.loads(body)["key"] != KEY:
            return 401, {"error": "token", "text": {"en": "The key is used up.", "zh_TW": "金鑰已失效。"}}
        return 200, {"token": TOKEN}
    if path == "/consent/closed":
        return 200, {}
    if headers.get("X-Twcard-Token") != TOKEN:
        return 401, {"error": "token"}
    if path == "/popup":
        return popup(stub, headers, body)
    if path == "/consent":
        return decision(stub, body)
    return manage(stub, path.removeprefix("/manage/"), json.loads(body))


# ---- a site ----

SITE = """<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>site</title>
<button id="go">go</button><pre id="got"></pre>
<script>
const asked = new URLSearchParams(location.search);
var popup = null;
window.addEventListener("message", event => {
	if (event.origin !== asked.get("agent") || typeof event.data !== "string")
		return;
	const said = JSON.parse(event.data);
	document.getElementById("got").textContent += event.data + "\\n";
	if (asked.get("request") && (said.func === "getTbs" || said.func === "CMCAtn"))
		popup.postMessage(asked.get("request"), asked.get("agent"));
});
document.getElementById("go").onclick = () => {
	popup = window.open(asked.get("agent") + asked.get("path"), "popup", "width=480,height=640");
};
</script>
</html>
"""


def site_get(_stub, http, _url):
    http.send(200, "text/html; charset=utf-8", SITE.encode())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", default=PAGES)
    stub = Stub(parser.parse_args().pages)
    print(f"ready: {stub.url}/#key={KEY} {stub.site}", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
