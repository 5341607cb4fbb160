#!/usr/bin/env python3
"""
fake-authority.py - an authority for tests of twcard authz: the protocol of
docs/AUTHORITY.md with no rules but those that the tests want, and faults.

  fake-authority.py DIRECTORY

Serves on a free port of the loopback; DIRECTORY/port has its number when it
is ready. Each request that it takes is a line of DIRECTORY/log: the operation
and the state that followed. DIRECTORY/fault, if it is there, has an operation
and what becomes of the next request of it, once:

  refuse CODE   an error, and nothing is done
  lost          it is done, and neither this nor a repeated request is answered
  down          nothing is done, 503
"""

import base64
import http.server
import json
import os
import subprocess
import sys
import tempfile
import time

ISSUER_KEY = "404142434445464748494A4B4C4D4E4F"  # of virtual cards
DAY = 86400


def openssl(*args, data=b""):
    done = subprocess.run(["openssl", *args], input=data, capture_output=True, check=False)
    if done.returncode:
        raise Refusal(400, "bad-request", done.stderr.decode(errors="replace"))
    return done.stdout


class Refusal(Exception):
    def __init__(self, status, code, text="refused by the test"):
        super().__init__(code)
        self.status, self.code, self.text = status, code, text


def der_parts(data):
    """The tags and contents of DER values that follow one another."""
    while data:
        tag, length, at = data[0], data[1], 2
        if length & 0x80:
            at += length & 0x7F
            length = int.from_bytes(data[2:at], "big")
        yield tag, data[at:at + length]
        data = data[at + length:]


def serial_of(certificate):
    """The serial number of an attribute certificate (base64), in decimal."""
    (_, outer), = der_parts(base64.b64decode(certificate))
    info = next(der_parts(outer))[1]
    return str(int.from_bytes(list(der_parts(info))[4][1], "big"))


def rfc3339(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class Authority:
    def __init__(self, directory):
        self.directory = directory
        self.sequence = {}      # of an authorizer
        self.reservations = {}  # by name
        self.serials = {}       # what was registered
        self.delegations = []   # (holder, authorizer, AC, disabled)
        self.tickets = {}
        self.answers = {}       # by request id
        self.catalogue = {"applications": [
            {"name": "公文交換", "units": [{"name": "總公司》資訊部", "code": "005》788"}], "roles": ["承辦人"]},
            {"name": "e-invoice", "units": [], "roles": []}]}

    def log(self, line):
        with open(os.path.join(self.directory, "log"), "a", encoding="utf-8") as log:
            log.write(line + "\n")

    def fault(self, operation):
        path = os.path.join(self.directory, "fault")
        try:
            with open(path, encoding="utf-8") as file:
                words = file.read().split()
        except OSError:
            return []
        if words[0] != operation:
            return []
        os.unlink(path)
        return words[1:]

    def signed(self, body):
        """The content of a CMS message and the signer's certificate, DER."""
        with tempfile.TemporaryDirectory() as work:
            signer = os.path.join(work, "signer")
            text = openssl("cms", "-verify", "-noverify", "-inform", "DER", "-binary", "-signer", signer, data=body)
            der = openssl("x509", "-in", signer, "-outform", "DER")
        return json.loads(text), base64.b64encode(der).decode()

    def reserve(self, signer, r):
        primary, delegations = None, []
        if r["kind"] == "applications" and any(d[0] == signer for d in self.delegations):
            newest = [d for d in self.delegations if d[0] == signer][-1]
            if newest[3]:
                raise Refusal(422, "delegation-not-valid")
            primary, delegations = newest[1], [newest[2]]
        elif r["kind"] == "applications" and b"secondary" in base64.b64decode(signer):
            raise Refusal(422, "delegation-missing")
        if r["content"].get("disabled") and not any(d[0] == r["holder"] for d in self.delegations):
            raise Refusal(422, "delegation-missing")
        self.sequence[signer] = self.sequence.get(signer, 0) + 1
        name = os.urandom(8).hex()
        self.reservations[name] = dict(r, signer=signer)
        return {"reservation": name, "sequence": self.sequence[signer], "not_before": rfc3339(time.time() - 600),
                "not_after": rfc3339(time.time() + 30 * DAY), "primary": primary, "delegations": delegations}

    def register(self, signer, r):
        reserved = self.reservations.get(r["reservation"])
        if not reserved or reserved["signer"] != signer:
            raise Refusal(404, "unknown-reservation")
        state = "signed"
        if reserved["kind"] == "delegation":
            state = "active"
            self.delegations.append((reserved["holder"], signer, r["certificate"], reserved["content"]["disabled"]))
        reserved["certificate"] = r["certificate"]
        self.serials[serial_of(r["certificate"])] = dict(reserved, state=state, issued=rfc3339(time.time()))
        return {"serial": serial_of(r["certificate"]), "state": state}

    def written(self, _signer, r):
        self.serials[r["serial"]]["state"] = "written"
        return {"serial": r["serial"], "state": "written"}

    def get(self, signer, r):
        known = self.serials.get(r["serial"])
        if not known or signer not in (known["holder"], known["signer"]):
            raise Refusal(404, "unknown-serial")
        newest = [d for d in self.delegations if d[0] == known["signer"]][-1:]
        return {"certificate": known["certificate"], "authorizer": known["signer"], "holder": known["holder"],
                "state": known["state"], "primary": newest[0][1] if newest else None,
                "delegations": [d[2] for d in newest]}

    def history(self, signer, r):
        side = "signer" if r["direction"] == "issued" else "holder"
        found = [{"serial": serial, "kind": k["kind"], "state": k["state"], "issued": k["issued"],
                  "holder_serial": "7", "issuer": "O=company", "certificate": k["certificate"]}
                 for serial, k in self.serials.items()
                 if k[side] == signer and r["kind"] in ("all", k["kind"])
                 and (not r["from"] or r["from"] <= k["issued"]) and (not r["to"] or k["issued"] <= r["to"])]
        return {"certificates": found[::-1], "more": False}

    def activate(self, _signer, r):
        ticket = os.urandom(16).hex()
        self.tickets[ticket] = None
        self.log("user-code " + str(r["user_code"]))
        return {"ticket": ticket, "expires": rfc3339(time.time() + 300)}

    def activated(self, _signer, _r):
        return {"state": "activated"}

    def withdraw(self, _signer, r):
        reserved = self.reservations.get(r["reservation"])
        if not reserved:
            raise Refusal(404, "unknown-reservation")
        if "certificate" in reserved:
            known = self.serials[serial_of(reserved["certificate"])]
            if known["state"] != "signed":
                raise Refusal(409, "wrong-state")
            known["state"] = "withdrawn"
        del self.reservations[r["reservation"]]
        return {"state": "withdrawn"}

    def cryptogram(self, body):
        r = json.loads(body)
        if r["ticket"] not in self.tickets:
            raise Refusal(401, "nonce")
        made = openssl("enc", "-des-ede-cbc", "-K", ISSUER_KEY, "-iv", "0" * 16, data=bytes.fromhex(r["challenge"]))
        return {"cryptogram": made.hex()}

    def request(self, body):
        r, signer = self.signed(body)
        fault = self.fault(r["operation"])
        if r["request"] not in self.answers:
            if fault[:1] == ["down"]:
                raise Refusal(503, "database")
            if fault[:1] == ["refuse"]:
                raise Refusal(422, fault[1])
            operations = {"reserve": self.reserve, "register": self.register, "written": self.written,
                          "activate": self.activate, "activated": self.activated, "withdraw": self.withdraw, "get": self.get,
                          "history": self.history}
            answer = operations[r["operation"]](signer, r)
            self.answers[r["request"]] = None if fault[:1] == ["lost"] else answer
            self.log(r["operation"] + " " + str(answer.get("state", "")))
        return self.answers[r["request"]]


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass

    def answer(self, status, value):
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def try_to(self, function, *args):
        try:
            value = function(*args)
            if value is None:
                self.close_connection = True
            else:
                self.answer(200, value)
        except Refusal as no:
            self.server.authority.log("refused " + no.code)
            self.answer(no.status, {"error": {"code": no.code, "reason": None, "text": {"en": no.text, "zh_TW": no.text}}})

    def do_GET(self):  # pylint: disable=invalid-name
        authority = self.server.authority
        answers = {
            "/v1/version": {"protocol": 1, "software": "0", "client_minimum": "0", "time": rfc3339(time.time()),
                            "name": "fake"},
            "/v1/nonce": {"nonce": os.urandom(16).hex(), "expires": rfc3339(time.time() + 300)},
            "/v1/terms": {"version": "1", "text": {"en": "The terms.\nSecond line.", "zh_TW": "條款。"}},
            "/v1/catalogue": authority.catalogue,
        }
        if self.path in answers:
            self.answer(200, answers[self.path])
        else:
            self.answer(404, {"error": {"code": "not-found", "reason": None, "text": {"en": "no such path", "zh_TW": "無"}}})

    def do_POST(self):  # pylint: disable=invalid-name
        body = self.rfile.read(int(self.headers["Content-Length"]))
        function = {"/v1/requests": self.server.authority.request,
                    "/v1/cryptogram": self.server.authority.cryptogram}[self.path]
        self.try_to(function, body)


def main():
    directory = sys.argv[1]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.authority = Authority(directory)
    path = os.path.join(directory, "port")
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(str(server.server_address[1]))
    os.rename(path + ".new", path)
    server.serve_forever()


if __name__ == "__main__":
    main()
