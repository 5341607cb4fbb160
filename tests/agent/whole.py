#!/usr/bin/env python3
"""whole.py KIND URL SCREENSHOTS WORK - the agent, its pages and a card, used by sites and a person.

Called by whole.test, which does with the card what "do …" lines say, and answers with a line.
"""

import base64
import json
import os
import subprocess
import sys
import tempfile

from browser import Browser, Failed
from pages import SIGN, Visit, equal, test


def please(what):
    print(f"do {what}", flush=True)
    return sys.stdin.readline().strip()


def openssl(*arguments, data=b""):
    return subprocess.run(["openssl", *arguments], input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)


def is_signature(work, answer, data):
    """Of PKCS1 over the data, by the certificate that came with it."""
    files = {name: os.path.join(work, name) for name in ("signer.der", "signer.key", "signature")}
    with open(files["signer.der"], "wb") as file:
        file.write(base64.b64decode(answer["certb64"]))
    with open(files["signer.key"], "wb") as file:
        file.write(openssl("x509", "-inform", "DER", "-in", files["signer.der"], "-noout", "-pubkey").stdout)
    with open(files["signature"], "wb") as file:
        file.write(base64.b64decode(answer["signature"]))
    return openssl("dgst", "-sha256", "-verify", files["signer.key"], "-signature", files["signature"], data=data).returncode == 0


def cms_content(work, der):
    path = os.path.join(work, "answer.p7m")
    with open(path, "wb") as file:
        file.write(der)
    return openssl("cms", "-verify", "-noverify", "-binary", "-inform", "DER", "-in", path).stdout


def agree(v, request, pin=None, remember=None):
    v.asks(request)
    if remember:
        v.button(f"input[value={remember}]")
    if pin is not None:
        v.b.type("#pin", pin)
    v.button("#yes")
    answer = v.got()[1]
    v.closed()
    return answer


def sites(v, kind, work, pin):
    v.asks({"func": "GetUserCert"})
    v.looks(f"{kind}-popup-info", "A site wants to see your cards")
    equal("an unknown site: the person is asked, and reads who asks", v.b.run("return document.getElementById('origin').textContent"), v.stub.site)
    v.button("#no")
    equal("and may refuse", v.got()[1]["ret_code"], 0x76000999)
    v.closed()
    v.asks({"func": "GetUserCert"})
    v.b.run("window.close()")
    equal("a window that is closed tells the site at once", v.got()[1]["ret_code"], 0x76000999)
    v.closed()
    info = agree(v, {"func": "GetUserCert"}, remember="site")
    token = info["slots"][0]["token"]
    equal("with consent the site gets the card", (info["func"], info["ret_code"], token["certs"][0]["label"]), ("pkcs11info", 0, "cert1"))
    v.site({"func": "CheckEnvir"})
    equal("an allowed one is not asked again for that", v.got()[1]["func"], "pkcs11info")
    v.closed()
    v.asks(SIGN)
    v.looks(f"{kind}-popup-sign", "A site wants you to sign")
    equal("a signature is asked for, with its text", v.b.run("return document.getElementById('text').textContent"), SIGN["tbs"])
    v.b.type("#pin", pin)
    v.button("#yes")
    answer = v.got()[1]
    v.closed()
    test("PKCS1: OpenSSL agrees", answer["ret_code"] == 0 and is_signature(work, answer, SIGN["tbs"].encode()), answer)
    equal("with the card's number", answer["cardSN"], token["serialNumber"])
    answer = agree(v, json.dumps({**SIGN, "signatureType": "PKCS7", "tbs": "a+b 王", "pin": pin}).replace("+", "%2B"))
    test("PKCS7 with the site's PIN: OpenSSL agrees", answer["ret_code"] == 0 and cms_content(work, base64.b64decode(answer["signature"])) == "a+b 王".encode(), answer)


def wrong_pins(v, pin):
    equal("all tries are there", please("tries"), "3")
    answer = agree(v, {**SIGN, "pin": "wrong77"})
    equal("a wrong PIN of the site's costs a try", (answer["ret_code"], please("tries")), (0x76100006, "2"))
    v.asks({**SIGN, "pin": "wrong88"})
    test("the next is not tried: the person types it", v.b.run("return document.getElementById('pin') !== null"))
    v.b.type("#pin", pin)
    v.button("#yes")
    equal("and it is right", (v.got()[1]["ret_code"], please("tries")), (0, "3"))
    v.closed()


def manager(v, kind, work, pin):
    v.b.go_to(v.home)
    v.b.open(please("open"))
    v.b.wait("document.body.innerText.includes('王小明')")
    v.looks(f"{kind}-cards", "王小明")
    equal("the key is out of the address", v.b.run("return location.hash"), "")
    v.button("[data-key^='check ']")
    v.b.type("#pin", pin)
    v.b.keys("enter")
    v.b.wait("document.querySelector('dialog .good') !== null")
    v.b.keys("escape")
    test("the PIN is checked", True)
    v.button("[data-key^='chain ']")
    v.b.wait("document.body.innerText.includes('Nothing bad was found')")
    test("a certificate's chain is checked", "good" in v.b.text())
    v.button("[data-key^='change ']")
    for name, value in (("currentPIN", pin), ("newpin", "445566"), ("again", "445566")):
        v.b.type(f"#{name}", value)
    v.b.keys("enter")
    v.b.wait("document.querySelector('dialog [role=alert]') !== null")
    equal("a change that nobody has seen on a card is refused, without a try", (v.b.run("return document.querySelector('dialog .bad') !== null"), please("tries")), (True, "3"))
    v.b.keys("escape")
    v.b.run("""const make = URL.createObjectURL;
        URL.createObjectURL = blob => { window.made = blob; return make.call(URL, blob); };""")
    data = bytes(range(256)) * 300
    with tempfile.NamedTemporaryFile(dir=work) as file:
        file.write(data)
        file.flush()
        v.button("#go-sign")
        v.b.find("#signer option")
        v.b.type("#file", file.name)
        v.button("#sign-now")
        v.b.wait("document.activeElement.matches('dialog input')")
        v.b.type("dialog #pin", pin)
        v.b.keys("enter")
        v.b.find("#signature")
        made = v.b.run("return window.made.arrayBuffer().then(a => btoa(Array.from(new Uint8Array(a), c => String.fromCharCode(c)).join('')))")
        signature = os.path.join(work, "data.p7s")
        with open(signature, "wb") as out:
            out.write(base64.b64decode(made))
        said = openssl("cms", "-verify", "-noverify", "-binary", "-inform", "DER", "-in", signature, "-content", file.name)
        equal("a file is signed: OpenSSL agrees", (said.returncode, said.stdout == data), (0, True))
        v.button("#go-verify")
        v.b.type("#verify-signature", signature)
        v.b.type("#verify-data", file.name)
        v.button("#verify-now")
        v.b.find("#verdict")
        equal("and the page", v.b.run("return document.querySelector('#verdict').textContent"), "The signature is good.")
        v.looks(f"{kind}-verified", "The signature is good")
    v.button("#go-trouble")
    for part in ("selftest", "log", "report"):
        v.button(f"#part-{part} button")
        v.b.find(f"#part-{part} [role=status] :first-child")
    test("no PIN is in log or report", pin not in v.b.text() and "wrong77" not in v.b.text())
    v.looks(f"{kind}-trouble", "Card manager")


def pulled(v):
    v.button("#go-cards")
    please("pull")
    v.b.wait("!document.body.innerText.includes('王小明')")
    test("a card that is pulled goes", True)
    please("insert")
    v.b.wait("document.body.innerText.includes('王小明')")
    test("and comes back", True)


def self_test(v, pin):
    v.b.go_to(v.home)
    v.b.open(f"{v.stub.url}/selfTest.htm")
    v.button("#start")
    v.popup()
    v.button("#yes")
    v.closed()
    v.b.go_to(v.home)
    v.button("#sign")
    v.popup()
    v.b.type("#pin", pin)
    v.button("#yes")
    v.closed()
    v.b.go_to(v.home)
    v.b.wait("document.querySelectorAll('#steps > li').length === 9")
    equal("the self test, which asks like a site, finds all good", v.b.run("return document.querySelectorAll('#steps .bad').length"), 0)


def blocked(v):
    v.site(SIGN)
    v.popup()
    v.button("#block")
    equal("a blocked site is told", v.got()[1]["ret_code"], 0x7600000F)
    v.closed()
    v.site({"func": "CheckEnvir"})
    equal("and gets nothing without a question", v.got()[1]["ret_code"], 0x7600000F)
    v.closed()


def main():
    kind, url, screenshots, work = sys.argv[1:]
    browser = Browser("en-US")
    try:
        v = Visit(browser, screenshots, "en")
        v.stub.url = url
        pin = please("pin")
        for part in (lambda: sites(v, kind, work, pin), lambda: wrong_pins(v, pin), lambda: manager(v, kind, work, pin), lambda: pulled(v),
                     lambda: self_test(v, pin), lambda: blocked(v)):
            try:
                part()
            except (Failed, KeyError, IndexError, TypeError) as error:
                test("goes through to the end", False, repr(error))
    finally:
        browser.stop()


if __name__ == "__main__":
    main()
