#!/usr/bin/env python3
"""pages.py chromium|firefox SCREENSHOTS [PART...] - the agent's pages, with stub.py as the agent. Prints TAP."""

import hashlib
import json
import os
import sys
import tempfile
import traceback

from browser import KEYS, Browser, Failed
from firefox import Firefox
from stub import EVIL, KEY, TOKEN, Stub, card

count = 0
failed = 0

# Ratio of a text's colour to what is behind it, as WCAG 2 counts; the texts below 4.5.
CONTRAST = """
const parts = colour => (colour.match(/[\\d.]+/g) ?? []).map(Number);
const light = ([r, g, b]) => [r, g, b].map(c => c / 255).map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
function behind(element) {
    for (; element; element = element.parentElement) {
        const colour = parts(getComputedStyle(element).backgroundColor);
        if (colour.length === 3 || colour[3] === 1)
            return colour;
    }
    return [255, 255, 255];
}
const low = [];
for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    if (!own || !element.getClientRects().length || element.closest(".spoken, .skip, :disabled"))
        continue;
    const [a, b] = [light(parts(getComputedStyle(element).color)), light(behind(element))];
    if ((Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5)
        low.push(element.outerHTML.slice(0, 80));
}
return low;
"""

# What a screen reader or a keyboard would miss.
ACCESS = """
const wrong = [];
const shown = e => e.getClientRects().length > 0;
for (const field of document.querySelectorAll("input, select"))
    if (shown(field) && !field.labels.length && !field.getAttribute("aria-label"))
        wrong.push("no label: " + field.id);
for (const button of document.querySelectorAll("button, a"))
    if (!button.textContent.trim())
        wrong.push("no text: " + button.id);
if ([...document.querySelectorAll("h1")].filter(shown).length !== 1)
    wrong.push("not one h1");
if (!document.title || !document.documentElement.lang || !document.querySelector("main"))
    wrong.push("no title, language or main part");
const ids = [...document.querySelectorAll("[id]")].map(e => e.id);
wrong.push(...ids.filter((id, i) => ids.indexOf(id) !== i).map(id => "twice: " + id));
for (const e of document.querySelectorAll("[tabindex]"))
    if (Number(e.getAttribute("tabindex")) > 0)
        wrong.push("order by hand: " + e.id);
for (const e of document.querySelectorAll("[aria-labelledby]"))
    if (!document.getElementById(e.getAttribute("aria-labelledby")))
        wrong.push("labelled by nothing: " + e.id);
return wrong;
"""

TEXTS = {
    "en": {
        "sign": "A site wants you to sign", "manager": "Card manager", "selftest": "Self test", "add": "Allow this site",
        "login": "twcard agent open", "days": "12 days left", "over": "time is over", "hand": "opened by sites", "refused": "cannot be allowed",
    },
    "zh": {
        "sign": "網站請您簽章", "manager": "卡片管理員", "selftest": "自我檢測", "add": "允許此網站", "login": "twcard agent open", "days": "剩 12 天",
        "over": "等待的時間已過", "hand": "本頁由網站開啟", "refused": "無法允許",
    },
}


def test(name, good, *got):
    global count, failed
    count += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {count} - {name}", flush=True)
    if not good:
        for one in got:
            print(f"#   got: {one!r}", flush=True)


def equal(name, got, wanted):
    test(name, got == wanted, got, f"wanted {wanted!r}")


def finish():
    print(f"1..{count}")
    sys.exit(failed > 0)


class Visit:
    """A browser, a stand-in with a world of its own, and the window that the tests come back to."""

    def __init__(self, browser, screenshots, language):
        self.b = browser
        self.stub = Stub()
        self.texts = TEXTS[language]
        self.language = language
        self.screenshots = screenshots
        self.home = browser.windows()[0]

    # ---- sites and their popups ----

    def site(self, request, path="/popupForm"):
        """Opens a page of another origin, which opens the popup; goes to that."""
        text = request if isinstance(request, str) else json.dumps(request)
        query = "&".join(f"{k}={self.quoted(v)}" for k, v in {"agent": self.stub.url, "path": path, "request": text}.items())
        self.stub.seen.clear()
        self.b.go_to(self.home)
        self.b.open(f"{self.stub.site}/?{query}")
        self.b.click("#go")

    def quoted(self, text):
        return self.b.run("return encodeURIComponent(arguments[0])", text)

    def popup(self):
        other = self.b.until(lambda: [w for w in self.b.windows() if w != self.home], "a popup")
        self.b.go_to(other[0])

    def asks(self, request, path="/popupForm"):
        self.site(request, path)
        self.popup()
        self.b.wait("document.querySelector('#yes') && !document.querySelector('#yes').disabled")

    def got(self, number=2):
        """What the site's page has been told: a list of messages."""
        self.b.go_to(self.home)
        self.b.wait("document.getElementById('got').textContent.split('\\n').length > arguments[0]", number)
        return [json.loads(line) for line in self.b.run("return document.getElementById('got').textContent").splitlines()]

    def closed(self):
        return self.b.until(lambda: self.b.windows() == [self.home], "the popup to close")

    def close_popup(self):
        self.b.close()
        self.b.go_to(self.home)

    # ---- the card manager ----

    def manager(self):
        """Another address than before the #, so that the page is loaded anew."""
        self.b.go_to(self.home)
        self.b.open("about:blank")
        self.b.open(f"{self.stub.url}/#key={KEY}")
        self.b.wait("document.body.dataset.generation === arguments[0]", str(self.stub.generation))

    def changed(self):
        self.stub.changed()
        self.b.wait("document.body.dataset.generation === arguments[0]", str(self.stub.generation))

    def button(self, selector):
        self.b.click(selector)

    # ---- how a page looks ----

    def looks(self, name, words):
        """In light and dark: the words are there, readable, labelled, and 320 pixels are enough."""
        for dark in (False, True):
            self.b.look(dark=dark)
            self.b.picture(f"{self.screenshots}/{name}-{self.language}-{'dark' if dark else 'light'}.png")
            equal(f"{name}, {self.language}, {'dark' if dark else 'light'}: each text stands out", self.b.run(CONTRAST), [])
        test(f"{name}, {self.language}: in this language", words in self.b.text(), self.b.text())
        equal(f"{name}, {self.language}: has names for all", self.b.run(ACCESS), [])
        if not self.b.narrow:
            self.b.look()
            return
        self.b.look(width=320)
        self.b.picture(f"{self.screenshots}/{name}-{self.language}-narrow.png")
        width, place, window = self.b.run("return (e => [e.scrollWidth, e.clientWidth, window.innerWidth])(document.documentElement)")
        test(f"{name}, {self.language}: fits 320 pixels", window == 320 and width <= place, width, place, window)
        self.b.look()


SIGN = {"func": "MakeSignature", "tbs": "hello", "hashAlgorithm": "SHA256", "signatureType": "PKCS1"}


# ---- both languages ----

def show_popups(v):
    v.asks(SIGN)
    v.looks("popup", v.texts["sign"])
    v.close_popup()
    v.stub.world["typed"] = "0123"
    v.asks(SIGN)
    v.looks("popup-last-try", v.texts["sign"])
    v.close_popup()
    v.stub.world["typed"] = None
    v.stub.world["seconds"] = 0
    v.site(SIGN)
    v.popup()
    v.b.wait("document.body.innerText.includes(arguments[0])", v.texts["over"])
    v.looks("popup-over", v.texts["over"])
    v.close_popup()
    v.stub.world["seconds"] = 600
    v.b.open(f"{v.stub.url}/popupForm")
    v.b.find("h1")
    v.looks("popup-by-hand", v.texts["hand"])


def show_add(v):
    v.b.open(f"{v.stub.url}/addDomain?domain=127.0.0.1")
    v.b.find("#yes")
    v.looks("add", v.texts["add"])
    v.b.open(f"{v.stub.url}/addDomain?domain=other.example")
    v.b.find("h1")
    v.looks("add-refused", v.texts["refused"])


def show_manager(v):
    v.b.open(f"{v.stub.url}/")
    v.b.find("#login pre")
    v.looks("login", v.texts["login"])
    v.manager()
    v.looks("cards", v.texts["days"])
    v.button("[data-key^='chain cert1 ']")
    v.b.wait("document.body.innerText.includes('to the root')")
    v.button("[data-key^='authz ']")
    v.b.wait("document.activeElement.matches('dialog input')")
    v.b.keys("975310", "enter")
    v.b.wait("document.body.innerText.includes('A1')")
    v.looks("cards-told", v.texts["days"])
    for name, ready in (("sign", "#signer option"), ("verify", "#verify-now"), ("sites", "#section-sites li"), ("trouble", "#part-selftest button")):
        v.button(f"#go-{name}")
        v.b.find(ready)
        if name == "trouble":
            for part in ("selftest", "log", "report"):
                v.button(f"#part-{part} button")
                v.b.find(f"#part-{part} [role=status] :first-child")
        v.looks(name, v.texts["manager"])
    with tempfile.TemporaryDirectory() as folder:
        for valid in (True, False):
            v.stub.world["valid"] = valid
            chosen(v, a_file(folder, "x.p7s", b"beside"), a_file(folder, "x", b"data"))
            v.looks("verified" if valid else "verified-bad", v.texts["manager"])
    v.button("#go-cards")
    v.button("[data-key^='change ']")
    v.b.find("dialog[open]")
    v.looks("pin", v.texts["manager"])
    v.b.keys("escape")


def show_self_test(v):
    v.b.open(f"{v.stub.url}/selfTest.htm")
    v.button("#start")
    v.b.wait("!document.querySelector('#sign').disabled")
    v.looks("selftest", v.texts["selftest"])


# ---- the popup ----

def forwards_unchanged(v):
    text = '{"func":"CheckEnvir","tbs":"a%2Bb+c%20d&e=%E7%8E%8B王"}'
    v.site(text)
    answers = v.got()
    v.closed()
    equal("the popup says that it is ready, and then what the agent answers", [a["func"] for a in answers], ["getTbs", "pkcs11info"])
    path, headers, body = v.stub.seen[0]
    equal("the site's text goes on as it came", (path, body), ("/popup", f"tbsPackage={text}"))
    equal("with the site's origin and the popup's token", (headers["X-Twcard-Origin"], headers["X-Twcard-Token"]), (v.stub.site, TOKEN))
    equal("nothing else is asked", len(v.stub.seen), 1)
    v.site({"func": "CheckEnvir"}, "/CardManagement/CMCPopForm")
    equal("the one for card management has another word for ready", v.got()[0], {"func": "CMCAtn"})
    v.closed()


def signs_by_keyboard(v):
    v.asks(SIGN)
    equal("the site's origin is shown", v.b.run("return document.getElementById('origin').textContent"), v.stub.site)
    equal("and the text as it is", v.b.run("return document.getElementById('text').textContent"), "我同意 <b>these terms</b>")
    equal("the PIN's field waits for it", v.b.run("return document.activeElement.id"), "pin")
    v.b.keys("enter")
    v.b.wait("document.querySelector('#problem [role=alert]') !== null")
    equal("an empty PIN is not sent", v.stub.posts("/consent"), [])
    v.b.keys("975310")
    v.b.keys("enter")
    answer = v.got()[1]
    equal("the site gets the signature", (answer["func"], answer["ret_code"]), ("sign", 0))
    test("and not the PIN", "975310" not in json.dumps(v.got()))
    v.closed()
    sent = json.loads(v.stub.posts("/consent")[0][2])
    equal("the agent gets the decision", sent, {"token": "c" * 43, "decision": "yes", "remember": "once", "pin": "975310"})


def refuses(v):
    for decision, code in (("no", 0x76000999), ("block", 0x7600000F)):
        v.asks(SIGN)
        v.b.run("document.getElementById(arguments[0]).focus()", decision)
        v.b.keys("enter")
        equal(f"decision {decision}: the site is told", v.got()[1]["ret_code"], code)
        v.closed()
        equal("without a PIN", "pin" in json.loads(v.stub.posts("/consent")[0][2]), False)
        equal("a window that has its answer was not closed", v.stub.posts("/consent/closed"), [])
    v.asks(SIGN)
    v.b.run("window.close()")
    equal("closed window: the site is told", v.got()[1]["ret_code"], 0x76000999)
    v.b.until(lambda: v.stub.posts("/consent/closed"), "the agent to be told")
    equal("and the agent, by the window's token", [json.loads(p[2]) for p in v.stub.posts("/consent/closed")], [{"token": TOKEN}])
    equal("and nothing is decided", v.stub.posts("/consent"), [])


def remembers(v):
    v.asks({"func": "DecryptData", "cipher": "AAAA"})
    equal("a PIN of the site's is not asked for", v.b.run("return document.getElementById('pin')"), None)
    equal("the focus is not on a button", v.b.run("return document.activeElement.tagName"), "H1")
    v.button("input[value=session]")
    v.button("#yes")
    v.got()
    v.closed()
    equal("how long it holds is sent", json.loads(v.stub.posts("/consent")[0][2])["remember"], "session")


def last_try(v):
    v.stub.world["typed"] = "0123"
    v.asks(SIGN)
    v.b.type("#pin", "975310")
    v.button("#yes")
    v.b.wait("document.querySelector('#problem [role=alert]') !== null")
    equal("last try: without the word nothing is sent", v.stub.posts("/consent"), [])
    equal("and its field waits", v.b.run("return document.activeElement.id"), "typed")
    v.b.type("#typed", "0123")
    v.button("#yes")
    equal("with it, the card is asked", v.got()[1]["ret_code"], 0)
    v.closed()
    equal("and the word is sent", json.loads(v.stub.posts("/consent")[0][2])["typed"], "0123")
    v.stub.world["typed"] = None


def time_is_over(v):
    v.stub.world["seconds"] = 0
    v.site(SIGN)
    equal("when the time is over, the site is told", v.got()[1]["ret_code"], 0x76000999)
    v.popup()
    v.b.wait("document.body.innerText.includes(arguments[0])", v.texts["over"])
    equal("and nothing was agreed to", json.loads(v.stub.posts("/consent")[0][2])["decision"], "no")
    v.close_popup()
    v.stub.world["seconds"] = 600


def other_messages(v):
    v.site("")
    v.popup()
    popup = v.b.get("/window")
    v.b.find("main")
    v.b.run("""return new Promise(seen => {
        window.addEventListener("message", seen, {once: true});
        window.postMessage('{"func":"CheckEnvir"}', '*');
    }).then(() => true)""")
    v.b.go_to(v.home)
    v.b.wait("document.getElementById('got').textContent.includes('getTbs')")
    v.b.run("popup.postMessage({func: 'CheckEnvir'}, '*'); popup.postMessage(arguments[0], '*')", json.dumps(SIGN))
    v.b.go_to(popup)
    v.b.wait("document.querySelector('#yes') && !document.querySelector('#yes').disabled")
    v.b.go_to(v.home)
    v.b.run("popup.postMessage('{\"func\":\"DecryptData\"}', '*')")
    v.b.go_to(popup)
    v.b.type("#pin", "975310")
    v.button("#yes")
    equal("later messages, and others' than the site's, are not looked at", [a["func"] for a in v.got()], ["getTbs", "sign"])
    equal("one request is sent on", [body for _, _, body in v.stub.posts("/popup")], [f"tbsPackage={json.dumps(SIGN)}"])
    v.closed()


def adds_a_site(v):
    v.site(SIGN, "/addDomain?domain=127.0.0.1")
    v.popup()
    v.button("#yes")
    equal("a site is allowed, and told", v.got(1)[0]["ret_code"], 0)
    v.closed()
    v.site(SIGN, "/addDomain?domain=other.example")
    v.popup()
    v.b.find(".bad")
    equal("another's address cannot be", v.b.run("return document.getElementById('yes')"), None)
    v.close_popup()


def agent_is_gone(v):
    v.asks(SIGN)
    v.stub.stop()
    v.b.type("#pin", "975310")
    v.button("#yes")
    equal("the agent ends while it asks: the site is told", v.got()[1]["ret_code"], 0x7600000D)
    v.popup()
    v.b.wait("document.body.innerText.includes('twcard agent start')")
    test("and the person", True)
    v.close_popup()
    v.stub = Stub()


# ---- the card manager ----

def foreign_text(v):
    v.manager()
    test("markup in names is text", EVIL in v.b.text(), v.b.text())
    equal("and no element", v.b.run("return document.querySelectorAll('main img, main script, main b').length"), 0)
    equal("nor a program", v.b.run("return document.title"), "Card manager - twcard")
    test("what turns a line is shown as a sign", "Reader \ufffdgnp.exe\ufffd" in v.b.text(), v.b.text())


def key_is_used(v):
    v.manager()
    equal("the key is taken out of the address", v.b.run("return location.href"), f"{v.stub.url}/")
    v.b.open("about:blank")
    v.b.open(f"{v.stub.url}/#key=old")
    v.b.wait("document.querySelector('#login [role=alert]') !== null")
    test("an old key says so", "The key is used up" in v.b.text(), v.b.text())


def cards_come_and_go(v):
    v.manager()
    v.b.run("document.querySelector('[data-key^=\"check \"]').focus()")
    v.stub.world["slots"][3]["token"] = card("陳小華", "TP00000000000001")
    v.changed()
    v.b.wait("document.body.innerText.includes('陳小華')")
    test("a card that comes is shown and said", "Card inserted: Empty reader" in v.b.run("return document.getElementById('spoken').textContent"))
    equal("the focus stays", v.b.run("return document.activeElement.dataset.key"), "check Alcor Micro AU9560 00 00")
    del v.stub.world["slots"][1:]
    v.changed()
    v.b.wait("!document.body.innerText.includes('陳小華')")
    test("readers that go, too", "Reader gone: Empty reader" in v.b.run("return document.getElementById('spoken').textContent"))
    v.stub.world["slots"].clear()
    v.changed()
    v.b.wait("document.body.innerText.includes('No reader is connected')")
    test("no reader is said", True)


def wait_dialog(v):
    v.b.wait("document.activeElement.matches('dialog input')")


def checks_the_pin(v):
    v.manager()
    v.b.run("document.querySelector('[data-key^=\"check \"]').focus()")
    v.b.keys("enter")
    wait_dialog(v)
    v.b.keys("654321")
    v.b.keys("enter")
    v.b.wait("document.querySelector('dialog [role=alert]') !== null")
    test("a wrong PIN: why, with its codes", "0x76100006, 0x000000A0" in v.b.text(), v.b.text())
    equal("its field is empty", v.b.run("return document.querySelector('#pin').value"), "")
    v.b.type("#pin", "975310")
    v.b.keys("enter")
    v.b.wait("document.querySelector('dialog .good') !== null")
    v.b.keys("escape")
    v.b.wait("document.querySelector('dialog') === null")
    equal("the focus is back", v.b.run("return document.activeElement.dataset.key"), "check Alcor Micro AU9560 00 00")
    equal("each PIN was sent once", [json.loads(p[2])["pin"] for p in v.stub.posts("/manage/call")], ["654321", "975310"])
    v.stub.world["last_try"] = True
    v.b.keys("enter")
    wait_dialog(v)
    v.b.keys("975310")
    v.b.keys("enter")
    v.b.type("#typed", "0123")
    v.b.type("#pin", "975310")
    v.b.keys("enter")
    v.b.wait("document.querySelector('dialog .good') !== null")
    test("the last try wants a word typed", True)
    v.b.keys("escape")


def changes_the_pin(v):
    v.manager()
    v.button("[data-key^='change ']")
    wait_dialog(v)
    for name, value in (("currentPIN", "975310"), ("newpin", "234567"), ("again", "234568")):
        v.b.type(f"#{name}", value)
    v.b.keys("enter")
    v.b.wait("document.querySelector('dialog [role=alert]') !== null")
    equal("two different new PINs are not sent", v.stub.posts("/manage/call"), [])
    for name, value in (("currentPIN", "975310"), ("newpin", "234567"), ("again", "234567")):
        v.b.type(f"#{name}", value)
    v.b.keys("enter")
    v.b.wait("document.body.innerText.includes('0x7600000E')")
    sent = json.loads(v.stub.posts("/manage/call")[0][2])
    equal("a refused change says so", (sent["currentPIN"], sent["newpin"], sent["cardid"]), ("975310", "234567", "TP01234567890123"))
    equal("and no PIN stays in the page", v.b.run("return [...document.querySelectorAll('input')].map(i => i.value).join('')"), "")
    v.b.keys("escape")


def checks_chains(v):
    v.manager()
    v.button("[data-key^='chain cert1 ']")
    v.b.wait("document.body.innerText.includes('to the root')")
    test("a chain's result is shown as text", EVIL in v.b.text() and v.b.run("return document.title") == "Card manager - twcard")
    v.stub.world["can_check"] = False
    v.button("[data-key^='chain cert2 ']")
    v.b.wait("document.body.innerText.includes('does not offer')")
    v.button("[data-key^='authz ']")
    wait_dialog(v)
    v.b.keys("975310", "enter")
    v.b.wait("document.body.innerText.includes('A1')")
    test("authorizations are told, as text", EVIL in v.b.text() and v.b.run("return document.title") == "Card manager - twcard")
    v.stub.world["authz"] = []
    v.button("[data-key^='authz ']")
    wait_dialog(v)
    v.b.keys("975310", "enter")
    v.b.wait("document.body.innerText.includes('no authorization certificate')")
    equal("that there is none, too; each PIN was sent once", [json.loads(p[2])["pin"] for p in v.stub.posts("/manage/authz")], ["975310", "975310"])


def changes_sites(v):
    v.manager()
    v.button("#go-sites")
    v.button("[data-key='blocked https://moica.nat.gov.tw']")
    v.b.find("[data-key='allowed https://moica.nat.gov.tw']")
    equal("the place on the page is the heading", v.b.run("return document.activeElement.id"), "title-sites")
    v.button("[data-key='unknown https://moica.nat.gov.tw']")
    v.b.wait("!document.body.innerText.includes('moica')")
    equal("sites are blocked and forgotten", [one["origin"] for one in v.stub.world["sites"]], ["https://evil.example"])


def signs_a_file(v):
    v.manager()
    v.b.run("""const make = URL.createObjectURL;
        URL.createObjectURL = blob => { window.made = blob; return make.call(URL, blob); };""")
    with tempfile.NamedTemporaryFile(prefix="a<b>") as file:
        data = bytes(range(256)) * 40
        file.write(data)
        file.flush()
        v.button("#go-sign")
        v.b.find("#signer option")
        v.b.type("#file", file.name)
        v.button("#sign-now")
        wait_dialog(v)
        v.b.keys("975310")
        v.b.keys("enter")
        v.b.find("#signature")
        equal("the whole file goes to the agent, as it is", [p[2] for p in v.stub.posts("/manage/file")], [data])
        equal("and what comes back is saved", v.b.run("return window.made.text()"), "signature of " + hashlib.sha256(data).hexdigest())
        equal("under the file's name", v.b.run("return document.getElementById('signature').download"), os.path.basename(file.name) + ".p7s")
        v.stub.seen.clear()
        v.button("#sign-now")
        wait_dialog(v)
        v.b.keys("111111", "enter")
        v.b.wait("document.querySelector('dialog [role=alert]') !== null")
        v.b.type("#pin", "975310")
        v.b.keys("enter")
        v.b.wait("document.querySelector('dialog') === null")
        equal("after a wrong PIN the file is not sent again", (len(v.stub.posts("/manage/file")), len(v.stub.posts("/manage/sign"))), (1, 2))
    v.stub.world["slots"].clear()
    v.changed()
    v.b.wait("document.querySelector('#section-sign [role=alert]') !== null")
    equal("without a card nothing can be signed", v.b.run("return document.getElementById('sign-now').disabled"), True)


def a_file(folder, name, data):
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(data)
    return path


def chosen(v, signature, data=None):
    """Both fields are chosen anew, and what the page says of them is waited for."""
    v.button("#go-cards")
    v.b.run("for (const form of document.forms) form.reset()")
    v.button("#go-verify")
    v.b.type("#verify-signature", signature)
    if data:
        v.b.type("#verify-data", data)
    v.button("#verify-now")
    v.b.wait("document.querySelector('#verdict, #section-verify [role=alert]') !== null")
    return v.b.run("return document.querySelector('#verdict, #section-verify [role=alert]').textContent")


def verifies_a_file(v):
    v.manager()
    v.button("#go-verify")
    v.button("#verify-now")
    v.b.wait("document.querySelector('#section-verify [role=alert]') !== null")
    equal("without a signature nothing is sent", v.stub.posts("/manage/signature"), [])
    with tempfile.TemporaryDirectory() as folder:
        signature = a_file(folder, "x.p7s", b"beside")
        inside = a_file(folder, "x.p7m", b"inside")
        data = a_file(folder, "x", b"data")
        equal("a good one", chosen(v, signature, data), "The signature is good.")
        test("names are text", EVIL in v.b.text() and v.b.run("return document.title") == "Card manager - twcard")
        test("one that lacks its data says so", "choose the file" in chosen(v, signature))
        test("one that brings them wants no others", "Nothing was checked" in chosen(v, inside, data))
        equal("and is good alone", chosen(v, inside), "The signature is good.")
        v.stub.world["valid"] = False
        equal("a bad one", chosen(v, signature, data), "The signature is NOT good.")
        test("says why", "not those that were signed" in v.b.text())


def helps(v):
    v.manager()
    v.button("#go-trouble")
    for part, words in (("selftest", "odd card"), ("log", "service listening"), ("report", "twcard report")):
        v.button(f"#part-{part} button")
        v.b.wait("document.body.innerText.includes(arguments[0])", words)
    equal("steps, log and report are text", v.b.text().count(EVIL), 3)
    equal("and nothing else", v.b.run("return document.title"), "Card manager - twcard")


def loses_the_agent(v):
    v.manager()
    v.stub.stop()
    v.b.wait("document.getElementById('connection').className === 'bad'")
    test("an agent that is gone is said", "does not answer" in v.b.text())
    v.stub = Stub()
    v.manager()
    v.b.run("sessionStorage.setItem('twcard-token', 'old')")
    v.b.open(f"{v.stub.url}/")
    v.b.wait("document.querySelector('#login [role=alert]') !== null")
    test("a token of an agent that has ended leads to the way in", "twcard agent open" in v.b.text())


def by_keyboard(v):
    v.manager()
    v.b.run("document.activeElement.blur()")
    wanted = v.b.run("return [...document.querySelectorAll('button, summary')].filter(e => e.checkVisibility() && !e.disabled)"
                     ".map(e => e.id || e.dataset.key || e.tagName)")
    reached = []
    # one more for the link over the sections, and no further: behind the page are the browser's own buttons
    for _ in range(len(wanted) + 1):
        v.b.keys("tab")
        reached.append(v.b.run("return document.activeElement.id || document.activeElement.dataset.key || document.activeElement.tagName"))
    equal("each button is reached by the tabulator, in the order of the page", reached, ["A", *wanted])
    v.b.type("#go-trouble", KEYS["enter"])
    v.b.wait("document.activeElement.id === 'title-trouble'")
    test("a section that is opened gets the focus", True)


def self_test(v):
    v.b.go_to(v.home)
    v.stub.seen.clear()
    v.b.open(f"{v.stub.url}/selfTest.htm")
    v.button("#start")
    v.b.wait("!document.querySelector('#sign').disabled")
    v.closed()
    equal("the self test finds reader, card and certificate good", v.b.run("return document.querySelectorAll('#steps > li > .good').length"), 7)
    v.button("#sign")
    v.popup()
    v.b.wait("document.querySelector('#yes') && !document.querySelector('#yes').disabled")
    v.b.type("#pin", "975310")
    v.button("#yes")
    v.closed()
    v.b.go_to(v.home)
    v.b.wait("document.querySelectorAll('#steps > li').length === 9")
    equal("and a signature", v.b.run("return document.querySelectorAll('#steps > li > .bad').length"), 0)
    v.stub.world["slots"].clear()
    v.button("#start")
    v.b.wait("document.querySelector('#steps .bad') !== null")
    test("without a reader it says so", "Connect a reader" in v.b.text(), v.b.text())


SHOWN = [show_popups, show_add, show_manager, show_self_test]
DONE = [
    forwards_unchanged, signs_by_keyboard, refuses, remembers, last_try, time_is_over, other_messages, adds_a_site, agent_is_gone,
    foreign_text, key_is_used, cards_come_and_go, checks_the_pin, changes_the_pin, checks_chains, changes_sites, signs_a_file, verifies_a_file, helps,
    loses_the_agent, by_keyboard, self_test,
]


def visit(make, language, tag, parts, screenshots):
    browser = make(tag)
    try:
        for part in parts:
            v = Visit(browser, screenshots, language)
            try:
                part(v)
            except (Failed, OSError, KeyError, IndexError) as error:
                test(part.__name__, False, error, *traceback.format_exc().splitlines()[-3:])
            finally:
                for window in browser.windows():
                    if window != v.home:
                        browser.go_to(window)
                        browser.close()
                browser.go_to(v.home)
                v.stub.stop()
    finally:
        browser.stop()


def main():
    program, screenshots, *wanted = sys.argv[1:]
    make = Firefox if program == "firefox" else Browser

    def some(parts):
        return [part for part in parts if not wanted or part.__name__ in wanted]

    visit(make, "en", "en-US", some(SHOWN + DONE), screenshots)
    visit(make, "zh", "zh-TW", some(SHOWN), screenshots)
    finish()


if __name__ == "__main__":
    main()
