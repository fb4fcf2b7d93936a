#!/usr/bin/env python3
"""A receiver of webhooks, for tests: standard library only.

  webhook_receiver.py --secret FILE --log FILE [--port N] [--port-file FILE]
                      [--cert PEM --key PEM] [--control FILE]

Every request whose signature holds is one line of the log, as JSON: its id, attempt, type,
sequence, device and outcome, and the status that it was answered with. One that does not
hold is logged as such and answered 401. The control file, if it is there, says in words how
to answer: "status 503", "retry-after 2", "slow 5", "redirect URL", "drop 1" (no answer),
"big 1" (a long body), "stay 1" (the connection stays open), "once 500" (the first time that an id comes), "only N answer 410".

"""
import argparse
import hashlib
import hmac
import http.server
import json
import os
import ssl
import threading
import time

p = argparse.ArgumentParser()
p.add_argument("--secret", required=True)
p.add_argument("--log", required=True)
p.add_argument("--port", type=int, default=0)
p.add_argument("--port-file")
p.add_argument("--cert")
p.add_argument("--key")
p.add_argument("--control")
a = p.parse_args()
secret = open(a.secret, "rb").read().rstrip(b"\r\n")
log = open(a.log, "a", buffering=1)
lock = threading.Lock()
seen = set()


def holds(header, body):
    """What docs/webhooks.md tells receivers to do."""
    parts = [x.split("=", 1) for x in header.split(",")]
    stamp = [v for k, v in parts if k == "t"]
    if len(stamp) != 1 or abs(time.time() - int(stamp[0])) > 300:
        return False
    want = hmac.new(secret, stamp[0].encode() + b"." + body, hashlib.sha256).hexdigest()
    return any(hmac.compare_digest(v, want) for k, v in parts if k == "v1")


def control():
    try:
        words = open(a.control).read().split()
    except (OSError, TypeError):
        return {}
    return dict(zip(words[::2], words[1::2]))


class Hook(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:  # who sent it was killed meanwhile: no delivery
            self.close_connection = True
            return
        how = control()
        line = {"id": self.headers["Assay-Event"], "attempt": self.headers["Assay-Attempt"],
                "hook": self.headers["Assay-Webhook"], "at": time.time(), "peer": self.client_address[1]}
        if not holds(self.headers["Assay-Signature"] or "", body):
            status = 401
            line["bad"] = self.headers["Assay-Signature"]
        else:
            d = json.loads(body)
            status = int(how.get("status", 204))
            if "once" in how and line["id"] not in seen:
                status = int(how["once"])
            if "only" in how and line["id"].split(":")[-1] == how["only"]:
                status = int(how["answer"])
            line.update({k: d.get(k) for k in ("type", "sequence", "device", "outcome", "before", "record")})
            line["agrees"] = line["id"] == d["id"] and self.headers["Content-Type"] == "application/json"
        line["status"] = status
        if "slow" in how:
            time.sleep(float(how["slow"]))
        if how.get("drop"):
            self.close_connection = True
            self.connection.close()
            return
        with lock:
            seen.add(line["id"])
            log.write(json.dumps(line) + "\n")
        self.send_response(status)
        if "retry-after" in how:
            self.send_header("Retry-After", how["retry-after"])
        if "redirect" in how:
            self.send_header("Location", how["redirect"])
        if how.get("big"):
            self.end_headers()
            try:
                for _ in range(2000):
                    self.wfile.write(b"x" * 4096)
            except OSError:
                pass
            self.close_connection = True
            return
        if status != 204:
            self.send_header("Content-Length", "3")
        if how.get("stay"):  # against the client's will
            self.send_header("Connection", "keep-alive")
        self.end_headers()
        if how.get("stay"):
            self.close_connection = False
        if status != 204:
            self.wfile.write(b"ok\n")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass


for attempt in range(200):  # somebody's outgoing connection may have the port for a moment
    try:
        server = Server(("127.0.0.1", a.port), Hook)
        break
    except OSError:
        if attempt == 199:
            raise
        time.sleep(0.1)
if a.cert:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(a.cert, a.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
if a.port_file:
    open(a.port_file + ".new", "w").write("%d\n" % server.server_address[1])
    os.rename(a.port_file + ".new", a.port_file)
server.serve_forever()
