#!/usr/bin/env python3
"""page.py - what the card manager's page asks the agent, without a browser.

    page.py PORT login KEY                 prints the page's token
    page.py PORT ask TOKEN NAME JSON       POST /manage/NAME; prints "STATUS ANSWER"
    page.py PORT send TOKEN NAME FILE      a file, piece by piece; prints what the agent calls it
"""

import http.client
import json
import os
import sys

LIMIT = 300


def post(port, path, token, body, length):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
    heads = {"Host": f"localhost:{port}", "Origin": f"http://localhost:{port}", "Sec-Fetch-Site": "same-origin", "Content-Length": str(length)}
    if token:
        heads["X-Twcard-Token"] = token
    connection.request("POST", path, body, heads)
    reply = connection.getresponse()
    answer = reply.read().decode()
    connection.close()
    return reply.status, answer


def main():
    port, what, *rest = sys.argv[1:]
    port = int(port)
    if what == "login":
        body = json.dumps({"key": rest[0]}).encode()
        print(json.loads(post(port, "/manage/login", None, body, len(body))[1])["token"])
    elif what == "ask":
        body = rest[2].encode()
        print(*post(port, f"/manage/{rest[1]}", rest[0], body, len(body)))
    else:
        with open(rest[2], "rb") as file:
            status, answer = post(port, f"/manage/{rest[1]}", rest[0], file, os.path.getsize(rest[2]))
        print(json.loads(answer).get("upload", f"{status} {answer}"))


main()
