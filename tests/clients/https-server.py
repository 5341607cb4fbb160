#!/usr/bin/env python3
"""An HTTPS server that asks for a client certificate and shows whose it is.

https-server.py CERTIFICATE KEY ISSUERS 1.2|1.3

Prints "port N" first, then a line for each page ("page NAME PROTOCOL PATH") and for each connection
that came to nothing ("refused REASON"). The name is the page's title, too. Most of the page is a link to
/next. Each connection has a thread, because browsers open some that they do not use. No session is resumed and no connection
kept, so that each page wants the card.
"""
import http.server
import html
import socketserver
import ssl
import sys

PAGE = """<!DOCTYPE html><html><head><meta charset="utf-8">
<link rel="icon" href="data:,"><title>%(title)s</title></head>
<body style="font-family: sans-serif; margin: 3em"><h1>%(name)s</h1><p>%(protocol)s %(path)s</p>
<a href="/next" style="display: block; height: 70vh; color: inherit">Another page · 另一頁</a></body></html>
"""


def say(*words):
    print(*words, flush=True)


def common_name(certificate):
    return {name: value for part in certificate["subject"] for name, value in part}.get("commonName", "?")


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/favicon.ico":
            self.send_error(404)
            return
        name, protocol = common_name(self.connection.getpeercert()), self.connection.version()
        values = {"name": name, "title": "%s %s %s" % (name, protocol, self.path), "protocol": protocol,
                  "path": self.path}
        body = (PAGE % {k: html.escape(v) for k, v in values.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        say("page", name, protocol, self.path)

    def log_message(self, *ignored):
        pass


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def finish_request(self, request, client_address):
        try:
            with self.context.wrap_socket(request, server_side=True) as connection:
                self.RequestHandlerClass(connection, client_address, self)
        except OSError as error:
            say("refused", error)


def main():
    certificate, key, issuers, version = sys.argv[1:]
    version = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[version]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = version
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(issuers)
    context.verify_mode = ssl.CERT_REQUIRED
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    server = Server(("127.0.0.1", 0), Page)
    server.context = context
    say("port", server.server_address[1])
    server.serve_forever()


main()
