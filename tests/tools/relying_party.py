#!/usr/bin/python3
"""A relying party that shares no line with the verifier: WebSocket by hand, JWS by
python3-jwt. It does what docs/decision-stream.md says one must do, and prints one line
per message:  TYPE ARGUMENTS...

  usage: relying_party.py --socket PATH | --port PORT --token-file FILE
           --root KID [--after N] [--class C] [--labels L] [--until TYPE[=N]] [--seconds S]

Ends with 0 when what --until names has come, 1 when something does not verify, 3 when
the connection ends."""
import argparse, base64, hashlib, json, os, socket, ssl, sys, time
import jwt
from jwt.algorithms import ECAlgorithm


class Refused(Exception):
    pass


def b64(s):
    return base64.urlsafe_b64decode(s + "=" * (-len(s) % 4))


def jwk_of(st):
    return {"crv": "P-256", "kty": "EC", "x": st["x"], "y": st["y"]}


def kid_of(st):
    text = json.dumps(jwk_of(st), separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


class Keys:
    """What the chain proves from the pinned root."""

    def __init__(self, doc, root):
        self.keys, self.decision, self.audit = {}, None, None
        for i, jws in enumerate(doc["assay"]["chain"]):
            unverified = json.loads(b64(jws.split(".")[1]))
            if i == 0 and kid_of(unverified) != root:
                raise Refused("another root")
            signer = unverified if i == 0 else self.keys[self.decision]
            st = self.check(jws, signer, "assay-key+jwt")
            if st["kid"] != kid_of(st) or st["n"] != i:
                raise Refused("a statement that is none")
            self.keys[st["kid"]] = st
            setattr(self, st["role"], st["kid"])

    @staticmethod
    def check(jws, key, typ):
        head = jwt.get_unverified_header(jws)
        if head.get("typ") != typ or head.get("kid") != kid_of(key):
            raise Refused("typ or kid of %s" % head)
        public = ECAlgorithm.from_jwk(json.dumps(jwk_of(key)))
        return jwt.decode(jws, public, algorithms=["ES256"], options={"verify_exp": False, "verify_iat": False})

    def verify(self, jws, typ, role="decision"):
        kid = jwt.get_unverified_header(jws).get("kid")
        if kid not in self.keys or self.keys[kid]["role"] != role:
            raise Refused("unknown key %s" % kid)
        return self.check(jws, self.keys[kid], typ)


class Socket:
    def __init__(self, a, query):
        if a.socket:
            self.s = socket.socket(socket.AF_UNIX)
            self.s.connect(a.socket)
        else:
            self.s = socket.create_connection(("127.0.0.1", a.port))
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.s = context.wrap_socket(self.s)
        lines = ["GET /v1/decisions?%s HTTP/1.1" % query, "Host: v", "Upgrade: websocket", "Connection: Upgrade",
                 "Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)).decode(), "Sec-WebSocket-Version: 13",
                 "Sec-WebSocket-Protocol: assay.decisions.v1"]
        if a.token_file:
            lines.append("Authorization: Bearer " + open(a.token_file).read().strip())
        self.s.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.buf = b""
        while b"\r\n\r\n" not in self.buf:
            self.more()
        head, self.buf = self.buf.split(b"\r\n\r\n", 1)
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise ConnectionError(head.decode(errors="replace"))

    def more(self):
        got = self.s.recv(65536)
        if not got:
            raise ConnectionError("closed")
        self.buf += got

    def take(self, n):
        while len(self.buf) < n:
            self.more()
        out, self.buf = self.buf[:n], self.buf[n:]
        return out

    def frame(self):
        b0, b1 = self.take(2)
        n = b1 & 0x7F
        if n == 126:
            n = int.from_bytes(self.take(2), "big")
        elif n == 127:
            n = int.from_bytes(self.take(8), "big")
        return b0, self.take(n)

    def message(self):
        text = b""
        while True:
            b0, data = self.frame()
            if b0 & 0x0F == 8:
                raise ConnectionError("closed")
            if b0 & 0x0F in (9, 10):
                continue
            text += data
            if b0 & 0x80:
                return text


class Party:
    def __init__(self, a):
        self.a, self.nonce = a, a.nonce_prefix + base64.urlsafe_b64encode(os.urandom(18)).decode()
        self.keys, self.current, self.last, self.head = None, False, a.after or 0, None
        self.devices, self.count = {}, 0
        self.sum = hashlib.sha256(b"assay-stream-v1" + self.nonce.encode()).digest()

    def record(self, m):
        r = self.keys.verify(m["record"], "assay-decision+jwt")
        if self.head is not None and not self.current:
            if r["seq"] > self.head:
                raise Refused("newer than its snapshot")
        elif r["seq"] <= self.last:
            raise Refused("seq %d after %d" % (r["seq"], self.last))
        else:
            self.last = r["seq"]
            known = self.devices.get(r["device"])
            if known and r["prev"] != known["seq"]:
                raise Refused("a record of the device between %d and %d" % (known["seq"], r["seq"]))
        inside = (not self.a.klass or r["class"] == self.a.klass) and \
            set((self.a.labels or "").split()) <= set(r.get("labels", "").split())
        if inside != (m["type"] == "decision"):
            raise Refused("filter")
        if m["type"] == "gone":
            self.devices.pop(r["device"], None)
        else:
            self.devices[r["device"]] = r
        if r["tier"] not in ("none", "software", "token", "dice", "virtual-tpm", "tpm"):
            raise Refused("tier")
        print(m["type"], r["seq"], r["device"], r["outcome"], r["reasons"][0], r.get("exp", 0), flush=True)

    def heartbeat(self, m, count, before):
        h = self.keys.verify(m["heartbeat"], "assay-heartbeat+jwt")
        audit = self.keys.verify(h["audit"], "assay-audit-head+jwt", "audit")
        if h["nonce"] != self.nonce or b64(h["sum"]) != before or h["count"] != count:
            raise Refused("the sum is not that of what came")
        if abs(h["iat"] - time.time()) > 30:
            raise Refused("a heartbeat of another time")
        print("heartbeat", h["head"], h["count"], audit["seq"], audit["hash"], flush=True)

    def extension(self, m):
        x = self.keys.verify(m["extension"], "assay-extension+jwt")
        if x["nonce"] != self.nonce:
            raise Refused("an extension of another connection")
        for device, seq, exp in x["extend"]:
            r = self.devices.get(device)
            if r and r["seq"] == seq and exp > r.get("exp", 0):
                r["exp"] = exp
                print("extension", seq, device, exp, flush=True)

    def on_message(self, text):
        before, count = self.sum, self.count
        self.sum = hashlib.sha256(before + hashlib.sha256(text).digest()).digest()
        self.count += 1
        m = json.loads(text)
        kind = m["type"]
        if kind == "keys":
            self.keys = Keys(m["jwks"], self.a.root)
            print("keys", len(self.keys.keys), flush=True)
        elif kind == "snapshot":
            self.head, self.current, self.devices = m["head"], False, {}
            print("snapshot", m["head"], flush=True)
        elif kind in ("decision", "gone"):
            self.record(m)
        elif kind == "current":
            self.current, self.last = True, max(self.last, m["head"])
            print("current", m["head"], flush=True)
        elif kind == "heartbeat":
            self.heartbeat(m, count, before)
        elif kind == "extension":
            self.extension(m)
        elif kind == "end":
            print("end", m["reason"], flush=True)
            raise ConnectionError("end")
        else:
            raise Refused("what is %s" % kind)
        return kind


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--socket")
    p.add_argument("--port", type=int)
    p.add_argument("--token-file")
    p.add_argument("--root", required=True)
    p.add_argument("--after", type=int)
    p.add_argument("--class", dest="klass")
    p.add_argument("--labels")
    p.add_argument("--until", default="")
    p.add_argument("--nonce-prefix", default="x")
    p.add_argument("--seconds", type=float, default=30)
    a = p.parse_args()
    party = Party(a)
    query = "nonce=" + party.nonce
    for name, value in (("after", a.after), ("class", a.klass), ("labels", a.labels)):
        if value is not None:
            query += "&%s=%s" % (name, str(value).replace(" ", "%20").replace("=", "%3D"))
    until, _, wanted = a.until.partition("=")
    seen, end = 0, time.time() + a.seconds
    try:
        s = Socket(a, query)
        while time.time() < end:
            s.s.settimeout(max(0.05, end - time.time()))
            kind = party.on_message(s.message())
            seen += kind == until
            if until and kind == until and seen >= int(wanted or 1):
                return 0
    except (ConnectionError, socket.timeout, ssl.SSLError) as e:
        print("connection:", e, file=sys.stderr)
        return 3
    except (Refused, jwt.PyJWTError, KeyError, ValueError) as e:
        print("refused:", type(e).__name__, e, file=sys.stderr)
        return 1
    return 0 if not until else 3


sys.exit(main())
