#!/usr/bin/env python3
"""agent_load.py - asks twcard-agent as programs and sites of its user do, and prints what it took.

agent_load.py STATE-FILE first PATH              the first request of all
                         windows N               /popupForm and /waiting.gif in turns
                         status CLIENTS N        N times /pkcs11info, by so many connections
                         share PIN N             N signatures each by a site with eight requests at once, and by
                                                  one with one after the other

agent.sh says what for. A request that is not answered as it should be ends it with status 1.
"""
import http.client
import json
import re
import sys
import threading
import time

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CHECK = "tbsPackage=" + json.dumps({"func": "CheckEnvir"})


def ask(connection, method, path, body=None, headers=None):
    """The answer's bytes, and how long it took (s)."""
    begin = time.perf_counter()
    connection.request(method, path, body, headers or {})
    reply = connection.getresponse()
    data = reply.read()
    took = time.perf_counter() - begin
    if reply.status != 200:
        sys.exit(f"{path}: {reply.status} {data[:200]}")
    return data, took


def good(data):
    answer = json.loads(data)
    if answer.get("ret_code") != 0:
        sys.exit(f"not done: {answer.get('ret_code')} {answer.get('message')}")
    return answer


def quantile(times, part):
    return sorted(times)[min(len(times) - 1, int(len(times) * part))] * 1000


def resident(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


class Agent:
    def __init__(self, file):
        with open(file, encoding="utf-8") as state:
            said = json.load(state)
        self.port, self.pid = said["port"], said["pid"]

    def connect(self):
        # pages compare this name as text, so it is the one that is measured
        return http.client.HTTPConnection("localhost", self.port, timeout=120)


def first(agent, path):
    print(f"first request, {path}: {ask(agent.connect(), 'GET', path)[1] * 1000:.1f} ms")


def windows(agent, count):
    times = {"/popupForm": [], "/waiting.gif": []}
    for _ in range(int(count)):
        for path, taken in times.items():
            taken.append(ask(agent.connect(), "GET", path)[1])
    middle = {path: quantile(taken, 0.5) for path, taken in times.items()}
    print(f"a window: {middle['/popupForm']:.2f} ms in the middle, p99 {quantile(times['/popupForm'], 0.99):.2f} ms; "
          f"a plain file {middle['/waiting.gif']:.2f} ms: {middle['/popupForm'] / middle['/waiting.gif']:.2f} times that")


def in_threads(number, work):
    """What work(i) returned, of all."""
    results = [None] * number

    def run(i):
        results[i] = work(i)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if None in results:
        sys.exit("a client has ended with an error")
    return results


def status(agent, clients, count):
    clients, count = int(clients), int(count)
    before = resident(agent.pid)

    def client(_):
        connection, times = agent.connect(), []
        for _ in range(count // clients):
            data, took = ask(connection, "POST", "/pkcs11info", CHECK, FORM)
            good(data)
            times.append(took)
        return times

    begin = time.perf_counter()
    times = [t for one in in_threads(clients, client) for t in one]
    took = time.perf_counter() - begin
    print(f"status, {clients} clients: {len(times)} requests, {len(times) / took:.0f} a second, "
          f"p99 {quantile(times, 0.99):.1f} ms; resident memory {before} -> {resident(agent.pid)} KiB")


def allow(agent, site, body):
    """The user allows the site in its window, for the session: the first signature."""
    own = {"Origin": f"http://localhost:{agent.port}", "Sec-Fetch-Site": "same-origin"}
    page = ask(agent.connect(), "GET", "/popupForm")[0].decode()
    own["X-Twcard-Token"] = re.search(r'name="twcard-token" content="([^"]+)"', page).group(1)
    asked = json.loads(ask(agent.connect(), "POST", "/popup", body, {**own, **FORM, "X-Twcard-Origin": site})[0])
    said = json.dumps({"token": asked["token"], "decision": "yes", "remember": "session"})
    reply = ask(agent.connect(), "POST", "/consent", said, {**own, "Content-Type": "application/json"})[0]
    good(json.loads(reply)["answer"])


def share(agent, pin, count):
    count = int(count)
    request = {"func": "MakeSignature", "tbs": "hello", "tbsEncoding": "NONE", "hashAlgorithm": "SHA256",
               "signatureType": "PKCS1", "pin": pin}
    body = "tbsPackage=" + json.dumps(request)
    sites = {"https://one-by-one.example": [], "https://busy.example": []}
    for site in sites:
        allow(agent, site, body)

    def client(i):
        site = list(sites)[min(i, 1)]
        for _ in range(count // (8 if i else 1)):
            data, took = ask(agent.connect(), "POST", "/sign", body, {**FORM, "Origin": site})
            good(data)
            sites[site].append(took)
        return True

    in_threads(9, client)
    for site, taken in sites.items():
        print(f"signatures of {site}: {len(taken)}, {quantile(taken, 0.5):.0f} ms in the middle, "
              f"longest {max(taken) * 1000:.0f} ms")


if __name__ == "__main__":
    {"first": first, "windows": windows, "status": status, "share": share}[sys.argv[2]](Agent(sys.argv[1]), *sys.argv[3:])
