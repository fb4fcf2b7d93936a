#!/usr/bin/env python3
"""A receiver of syslog or the journal's protocol, for tests: standard library only.

  log_receiver.py --log FILE (--unix PATH | --udp | --tcp) [--port N] [--port-file FILE]

One line of the log per message, as JSON: {"raw": TEXT} of a syslog message with its parts
taken apart by RFC 5424 ("pri", "host", "app", "msgid", "sd": {...}, "msg"), or {"fields": {...}}
of a journal entry. What cannot be taken apart has "bad".
"""
import argparse
import json
import os
import re
import socket
import time

p = argparse.ArgumentParser()
p.add_argument("--log", required=True)
p.add_argument("--unix")
p.add_argument("--udp", action="store_true")
p.add_argument("--tcp", action="store_true")
p.add_argument("--port", type=int, default=0)
p.add_argument("--port-file")
a = p.parse_args()
log = open(a.log, "a", buffering=1)

HEAD = re.compile(r"<(\d{1,3})>1 (\S+) (\S+) (\S+) (\S+) (\S+) \[([!-<>-Z^-~]+)")
PARAM = re.compile(r' ([!-<>-Z^-~]+)="((?:[^"\\\]]|\\.)*)"')


def syslog(data):
    text = data.decode("ascii")
    m = HEAD.match(text)
    if not m or re.search("[\x00-\x1f]", text):
        return {"raw": text, "bad": "head"}
    at, sd = m.end(), {}
    while (q := PARAM.match(text, at)):
        sd[q[1]] = re.sub(r'\\(["\\\]])', r"\1", q[2])
        at = q.end()
    if text[at:at + 2] != "] ":
        return {"raw": text, "bad": "structured data"}
    return {"raw": text, "pri": int(m[1]), "at": m[2], "host": m[3], "app": m[4], "msgid": m[6],
            "id": m[7], "sd": sd, "msg": text[at + 2:]}


def journal(data):
    fields, i = {}, 0
    while i < len(data):
        end = data.index(b"\n", i)
        line = data[i:end]
        if b"=" in line:
            name, value = line.split(b"=", 1)
            i = end + 1
        else:
            n = int.from_bytes(data[end + 1:end + 9], "little")
            name, value = line, data[end + 9:end + 9 + n]
            i = end + 10 + n
        fields[name.decode()] = value.decode()
    return {"fields": fields}


def take(data):
    try:
        d = syslog(data) if data[:1] == b"<" else journal(data)
    except ValueError as e:
        d = {"bad": str(e), "raw": repr(data)}
    log.write(json.dumps(d) + "\n")


def stream(s):
    rest = b""
    while (piece := s.recv(65536)):
        rest += piece
        while (m := re.match(rb"(\d+) ", rest)) and len(rest) >= m.end() + int(m[1]):
            take(rest[m.end():m.end() + int(m[1])])
            rest = rest[m.end() + int(m[1]):]


s = socket.socket(socket.AF_UNIX if a.unix else socket.AF_INET, socket.SOCK_STREAM if a.tcp else socket.SOCK_DGRAM)
if a.tcp:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
for attempt in range(200):  # somebody's outgoing connection may have the port for a moment
    try:
        s.bind(a.unix if a.unix else ("127.0.0.1", a.port))
        break
    except OSError:
        if attempt == 199:
            raise
        time.sleep(0.1)
if a.port_file:
    open(a.port_file + ".new", "w").write("%d\n" % s.getsockname()[1])
    os.rename(a.port_file + ".new", a.port_file)
if a.tcp:
    s.listen(8)
    while True:
        stream(s.accept()[0])
while True:
    take(s.recv(65536))
