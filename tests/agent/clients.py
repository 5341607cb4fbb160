#!/usr/bin/env python3
"""clients.py chromium|firefox KIND URL WORK - sites of each style that is known, in a real browser.

Called by whole.test as whole.py is. The sites are written from docs/AGENT.md as those are
that were written for the vendor's service: some look at the origin of what comes, some
escape their values, and some first look for the agent with a picture.
"""

import base64
import json
import os
import sys
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from browser import Browser, Failed
from firefox import Firefox
from pages import equal, test
from whole import cms_content, is_signature, openssl, please

# In base64 it has a plus, which forms take for a blank.
DATA = ">>>+&% 王小明".encode()
DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")

SITE = """<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>site</title>
<button id="go">go</button><button id="add">add</button><pre id="got"></pre>
<script>
const agent = AGENT;
const styles = {
	strict: {
		mine: event => event.origin === agent, target: agent,
		text: request => JSON.stringify(request).replace(/\\+/g, "%2B"),
	},
	escaped: {
		mine: () => true, target: "*",
		text: request => JSON.stringify(Object.fromEntries(Object.entries(request).map(
			([name, value]) => [name, ["tbs", "pin", "cipher", "nonce"].includes(name) ? encodeURIComponent(value) : value]))),
	},
	unescaped: { mine: () => true, target: "*", text: request => JSON.stringify(request) },
};
var asked = {style: "strict", request: {}};
var answers = [];

/* The driver's own values are no page's: they come as text. */
function ask(style, request) {
	asked = { style, request: JSON.parse(request) };
	answers = [];
}

var popup = null;
window.addEventListener("message", event => {
	const style = styles[asked.style];
	if (!style.mine(event))
		return;
	const said = JSON.parse(event.data);
	if (said.func === "getTbs")
		popup.postMessage(style.text(asked.request), style.target);
	else
		answers.push(said);
});
document.getElementById("go").onclick = () => { popup = window.open(agent + "/popupForm", "popup", "width=200,height=200"); };
document.getElementById("add").onclick = () => { window.open(agent + "/addDomain?domain=" + location.hostname, "add"); };

/* The picture's bytes: blue, green, red, from left to right, up to a pixel without blue. */
function probe() {
	return new Promise((resolve, reject) => {
		const image = new Image();
		image.crossOrigin = "anonymous";
		image.onerror = () => reject(new Error("no picture"));
		image.onload = () => {
			const canvas = document.createElement("canvas");
			canvas.width = 2000;
			canvas.height = 1;
			const context = canvas.getContext("2d");
			context.drawImage(image, 0, 0);
			const pixels = context.getImageData(0, 0, 2000, 1).data;
			let text = "";
			for (let i = 0; i < pixels.length && pixels[i + 2] !== 0; i += 4)
				text += String.fromCharCode(pixels[i + 2], pixels[i + 1], pixels[i]);
			resolve(JSON.parse(text));
		};
		image.src = agent + "/p11Image.bmp?_=" + Date.now();
	});
}

const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));

/* By the page itself: a signature of SHA-256 over the data. Of PKCS7 without attributes it is the end. */
async function is_good(spki, signature, data) {
	const key = await crypto.subtle.importKey("spki", bytes(spki), {name: "RSASSA-PKCS1-v1_5", hash: "SHA-256"}, false, ["verify"]);
	return crypto.subtle.verify("RSASSA-PKCS1-v1_5", key, bytes(signature).slice(-256), bytes(data));
}

/* As a page that waits for a card: it asks until there is one. */
var seen = null;
async function wait_for_card() {
	for (;;) {
		const token = (await probe()).slots.map(slot => slot.token).find(one => one && typeof one === "object");
		if (token) {
			seen = token.serialNumber;
			return;
		}
		await new Promise(next => setTimeout(next, 200));
	}
}
</script>
</html>
"""


class Site:
    """A browser with the site's page, and the windows that it opens."""

    def __init__(self, browser, agent):
        page = SITE.replace("AGENT", json.dumps(agent)).encode()

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_arguments):
                pass

            def do_GET(self):
                self.send_response(200)
                for name, value in (("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(page)))):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(page)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.b = browser
        self.home = browser.windows()[0]
        self.b.open(f"http://127.0.0.1:{self.server.server_address[1]}/")

    def opens(self, request, style="strict"):
        """The page asks; the window that it opened is gone to, unless it ends by itself."""
        self.b.go_to(self.home)
        self.b.run("ask(...arguments)", style, json.dumps(request))
        self.b.click("#go")

    def popup(self):
        self.b.go_to(self.b.until(lambda: [w for w in self.b.windows() if w != self.home], "a window")[0])

    def got(self):
        """What the page has been told, once the window is closed."""
        self.b.go_to(self.home)
        answer = self.b.wait("answers[0]")
        self.b.until(lambda: self.b.windows() == [self.home], "the window to close")
        return answer

    def agrees(self, request, style="strict", pin=None, button="#yes"):
        self.opens(request, style)
        self.popup()
        if pin is not None:
            self.b.type("#pin", pin)
        self.b.click(button)
        return self.got()

    def asks(self, request, style="strict"):
        """Of an allowed site, and nothing that needs the person."""
        self.opens(request, style)
        return self.got()

    def probes(self):
        self.b.go_to(self.home)
        return self.b.run("return probe()")


def is_unknown(s):
    equal("an unknown site reads from the picture that it is one", {k: v for k, v in s.probes().items() if k in ("ret_code", "slots")}, {"ret_code": 0x76000031})
    equal("and by a window only what the person wants", s.agrees({"func": "CheckEnvir"}, button="#no")["ret_code"], 0x76000999)
    s.opens({"func": "CheckEnvir"})
    s.popup()
    s.b.find("#yes")
    s.b.run("window.close()")
    equal("a window that is closed tells the site at once", s.got()["ret_code"], 0x76000999)
    s.b.run("ask('strict', '{}')")
    s.b.click("#add")
    s.popup()
    s.b.click("#yes")
    told = s.got()
    equal("it asks to be allowed, and is told", (told["func"], told["ret_code"]), ("addDomain", 0))


def sees_cards(s):
    info = s.probes()
    tokens = [slot["token"] for slot in info["slots"] if isinstance(slot.get("token"), dict)]
    equal("the picture then has readers and card", (info["ret_code"], len(tokens)), (0, 1))
    for style in ("strict", "escaped", "unescaped"):
        found = s.asks({"func": "CheckEnvir"}, style)
        equal(f"{style}: environment check", (found["func"], found["ret_code"], len(found["slots"])), ("pkcs11info", 0, len(info["slots"])))
    token = next(slot["token"] for slot in s.asks({"func": "GetUserCert"})["slots"] if isinstance(slot.get("token"), dict))
    test("certificate list", {"digitalSignature", "keyEncipherment|dataEncipherment"} <= {c["usage"] for c in token["certs"]}, token)
    return token


def signs(s, style, work, pin):
    request = {
        "func": "MakeSignature", "tbs": base64.b64encode(DATA).decode(), "tbsEncoding": "base64", "hashAlgorithm": "SHA256",
        "signatureType": "PKCS1", "withSPKI": "true", "pin": pin,
    }
    for kind in ("PKCS1", "PKCS7", "RAW"):
        data = DATA
        if kind == "RAW":
            data = DIGEST_INFO + openssl("dgst", "-sha256", "-binary", data=DATA).stdout
        answer = s.agrees({**request, "signatureType": kind, "tbs": base64.b64encode(data).decode()}, style)
        if answer["ret_code"]:
            test(f"{style}: {kind}", False, answer)
            continue
        if kind == "PKCS7":
            good = cms_content(work, base64.b64decode(answer["signature"])) == DATA
        else:
            good = is_signature(work, answer, DATA)
        test(f"{style}: {kind}: OpenSSL agrees", good)
        test(f"{style}: {kind}: and the page", s.b.run("return is_good(...arguments)", answer["spkib64"], answer["signature"], base64.b64encode(DATA).decode()))


def decrypts(s, style, token, work, pin):
    certificate = next(c for c in token["certs"] if c["usage"].startswith("keyEncipherment"))
    path = os.path.join(work, "encrypt.der")
    with open(path, "wb") as file:
        file.write(base64.b64decode(certificate["certb64"]))
    cipher = openssl("pkeyutl", "-encrypt", "-certin", "-keyform", "DER", "-inkey", path, data=DATA).stdout
    request = {"func": "DecryptData", "cipher": base64.b64encode(cipher).decode(), "cipherType": "PKCS1", "pin": pin}
    answer = s.agrees(request, style)
    plain = answer.get("plain")
    if answer.get("plainEncoding") == "base64":
        plain = base64.b64decode(plain).decode()
    equal(f"{style}: decrypted", (answer["ret_code"], plain), (0, DATA.decode()))


def wrong_pin(s, pin):
    request = {"func": "MakeSignature", "tbs": "x", "signatureType": "PKCS1"}
    equal("a wrong PIN costs one try", (s.agrees({**request, "pin": "wrong77"})["ret_code"], please("tries")), (0x76100006, "2"))
    equal("then the person types it", (s.agrees({**request, "pin": "wrong88"}, pin=pin)["ret_code"], please("tries")), (0, "3"))


def without_a_card(s, token):
    please("pull")
    s.b.until(lambda: not [1 for slot in s.probes()["slots"] if "token" in slot], "the card to be gone")
    equal("without a card there is no signature", s.asks({"func": "MakeSignature", "tbs": "x", "signatureType": "PKCS1"})["ret_code"], 0x76000006)
    s.b.run("seen = null; wait_for_card()")
    please("insert")
    s.b.wait("seen !== null")
    equal("a page that waits sees the card come", s.b.run("return seen"), token["serialNumber"])


def is_blocked(s):
    equal("a blocked site is told", s.agrees({"func": "MakeSignature", "tbs": "x", "signatureType": "PKCS1"}, button="#block")["ret_code"], 0x7600000F)
    equal("and gets nothing by a window", s.asks({"func": "CheckEnvir"})["ret_code"], 0x7600000F)
    test("nor can it read the picture", s.b.run("return probe().then(() => false, () => true)"))


def visit(s, work):
    pin = please("pin")
    is_unknown(s)
    token = sees_cards(s)
    for style in ("strict", "escaped", "unescaped"):
        signs(s, style, work, pin)
        decrypts(s, style, token, work, pin)
    wrong_pin(s, pin)
    without_a_card(s, token)
    is_blocked(s)


def main():
    program, _kind, url, work = sys.argv[1:]
    browser = (Firefox if program == "firefox" else Browser)("en-US")
    try:
        visit(Site(browser, url), work)
    except (Failed, KeyError, IndexError, StopIteration, TypeError) as error:
        test("goes through to the end", False, repr(error), *traceback.format_exc().splitlines()[-6:])
    finally:
        browser.stop()


if __name__ == "__main__":
    main()
