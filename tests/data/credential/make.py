#!/usr/bin/env python3
"""Makes the known vectors of tests/unit/test_credential.c: a second implementation of
TPM2_MakeCredential (TPM 2.0 Part 1, 24) and of the expansion of entropy described in
docs/ek-certificates.md, in plain Python with the openssl command for AES and RSA keys.

  usage: make.py FOLDER     writes rsa2048.*, rsa3072.*, p256.*, p384.* there:
                            .pub (TPM2B_PUBLIC), .blob, .secret (both with their size)

What it writes for a key that exists already (.pub) is the same every time. The AK name
and the secret are those of the test.
"""
import hashlib
import hmac
import os
import subprocess
import sys

SECRET = bytes(range(32))
ENTROPY = bytes(0xFF - i for i in range(64))
AK_NAME = b"\x00\x0b" + bytes(0x40 + i for i in range(32))
P256 = (0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF,
        0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
        0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
        0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
        0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551)
P384 = (2**384 - 2**128 - 2**96 + 2**32 - 1,
        0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
        0xAA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB7,
        0x3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F,
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973)


def be(v, n):
    return v.to_bytes(n, "big")


def tpm2b(b):
    return be(len(b), 2) + b


def expand(purpose, n):
    out = b""
    i = 0
    while len(out) < n:
        i += 1
        out += hmac.new(ENTROPY, purpose + b"\0" + be(i, 4), hashlib.sha256).digest()
    return out[:n]


def kdfa(alg, key, label, context, bits):
    return hmac.new(key, be(1, 4) + label + b"\0" + context + be(bits, 4), alg).digest()[:bits // 8]


def mgf1(alg, seed, n):
    out = b""
    for i in range(n):
        out += hashlib.new(alg, seed + be(i, 4)).digest()
        if len(out) >= n:
            return out[:n]


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def add(c, p, q):
    prime = c[0]
    if p is None or q is None:
        return p or q
    if p[0] == q[0]:
        if (p[1] + q[1]) % prime == 0:
            return None
        m = (3 * p[0] * p[0] - 3) * pow(2 * p[1], -1, prime)
    else:
        m = (q[1] - p[1]) * pow(q[0] - p[0], -1, prime)
    x = (m * m - p[0] - q[0]) % prime
    return x, (m * (p[0] - x) - p[1]) % prime


def mul(c, k, p):
    r = None
    while k:
        if k & 1:
            r = add(c, r, p)
        p = add(c, p, p)
        k >>= 1
    return r


def share_rsa(alg, n, size):
    hl = hashlib.new(alg).digest_size
    seed = expand(b"seed", hl)
    mask_seed = expand(b"oaep", hl)
    db = hashlib.new(alg, b"IDENTITY\0").digest()
    db += bytes(size - 2 - 2 * hl - hl) + b"\x01" + seed
    db = xor(db, mgf1(alg, mask_seed, len(db)))
    em = b"\0" + xor(mask_seed, mgf1(alg, db, hl)) + db
    return seed, tpm2b(be(pow(int.from_bytes(em, "big"), 65537, n), size))


def share_ecc(alg, c, q, size):
    for i in range(8):
        d = int.from_bytes(expand(b"ephemeral %d" % i, size), "big")
        if 0 < d < c[4]:
            break
    e = mul(c, d, (c[2], c[3]))
    z = mul(c, d, q)
    seed = hashlib.new(alg, be(1, 4) + be(z[0], size) + b"IDENTITY\0" + be(e[0], size) + be(q[0], size)).digest()
    return seed, tpm2b(tpm2b(be(e[0], size)) + tpm2b(be(e[1], size)))


def seal(alg, seed, aes):
    key = kdfa(alg, seed, b"STORAGE", AK_NAME, aes)
    enc = subprocess.run(["openssl", "enc", f"-aes-{aes}-cfb", "-K", key.hex(), "-iv", "0" * 32],
                         input=tpm2b(SECRET), stdout=subprocess.PIPE, check=True).stdout
    mac = kdfa(alg, seed, b"INTEGRITY", b"", hashlib.new(alg).digest_size * 8)
    return tpm2b(tpm2b(hmac.new(mac, enc + AK_NAME, alg).digest()) + enc)


# Restricted decryption keys with the attributes of the EK templates and no policy.
def public(kind, alg, aes, parameters, unique):
    attributes = 0x00030072
    return tpm2b(be(kind, 2) + be({"sha256": 0x0B, "sha384": 0x0C}[alg], 2) + be(attributes, 4) +
                 tpm2b(b"") + be(6, 2) + be(aes, 2) + be(0x43, 2) + be(0x10, 2) + parameters + unique)


def load(path):
    return open(path, "rb").read() if os.path.exists(path) else None


def save(path, data):
    with open(path, "wb") as f:
        f.write(data)


def rsa(folder, bits, alg, aes):
    base = f"{folder}/rsa{bits}"
    pub = load(base + ".pub")
    if not pub:
        pem = subprocess.run(["openssl", "genrsa", str(bits)], stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, check=True).stdout
        n = subprocess.run(["openssl", "rsa", "-noout", "-modulus"], input=pem,
                           stdout=subprocess.PIPE, check=True).stdout
        n = bytes.fromhex(n.decode().split("=")[1])
        pub = public(1, alg, aes, be(bits, 2) + be(0, 4), tpm2b(n))
        save(base + ".pub", pub)
    n = int.from_bytes(pub[-(bits // 8):], "big")
    seed, secret = share_rsa(alg, n, bits // 8)
    save(base + ".secret", secret)
    save(base + ".blob", seal(alg, seed, aes))


def ecc(folder, bits, alg, aes):
    base, c, size = f"{folder}/p{bits}", {256: P256, 384: P384}[bits], bits // 8
    pub = load(base + ".pub")
    if not pub:
        q = mul(c, int.from_bytes(os.urandom(size), "big") % (c[4] - 1) + 1, (c[2], c[3]))
        pub = public(0x23, alg, aes, be({256: 3, 384: 4}[bits], 2) + be(0x10, 2),
                     tpm2b(be(q[0], size)) + tpm2b(be(q[1], size)))
        save(base + ".pub", pub)
    x = int.from_bytes(pub[-(2 * size + 2):-(size + 2)], "big")
    y = int.from_bytes(pub[-size:], "big")
    seed, secret = share_ecc(alg, c, (x, y), size)
    save(base + ".secret", secret)
    save(base + ".blob", seal(alg, seed, aes))


rsa(sys.argv[1], 2048, "sha256", 128)
rsa(sys.argv[1], 3072, "sha384", 256)
ecc(sys.argv[1], 256, "sha256", 128)
ecc(sys.argv[1], 384, "sha384", 256)
