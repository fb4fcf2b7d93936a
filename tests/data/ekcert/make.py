#!/usr/bin/env python3
"""Makes the certificates and revocation lists of tests/unit and tests/attacks: a small
TPM manufacturer, its endorsement key certificates, and one certificate for each way to
be wrong. Plain Python, because certificate libraries do not write what is wrong; keys
and signatures by the openssl command. Every run makes everything anew.

  usage: make.py FOLDER
"""
import os
import subprocess
import sys
import tempfile

FOLDER = sys.argv[1]
KEYS = tempfile.mkdtemp()

# ---- DER ---------------------------------------------------------------------


def tlv(tag, *parts, long=0):
    body = b"".join(parts)
    n = len(body)
    if n < 128 and not long:
        return bytes([tag, n]) + body
    size = max(long, (n.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | size]) + n.to_bytes(size, "big") + body


def seq(*parts, **kw):
    return tlv(0x30, *parts, **kw)


def integer(v):
    return tlv(2, v.to_bytes(v.bit_length() // 8 + 1, "big"))


def oid(text):
    a = [int(x) for x in text.split(".")]
    out = b""
    for v in [40 * a[0] + a[1]] + a[2:]:
        part = bytes([v & 127])
        while v > 127:
            v >>= 7
            part = bytes([v & 127 | 128]) + part
        out += part
    return tlv(6, out)


def bits(b, unused=0):
    return tlv(3, bytes([unused]) + b)


def time(text):
    return tlv(0x18, text.encode()) if len(text) == 15 else tlv(0x17, text.encode())


def name(*attributes, tag=0x0C):
    return seq(*(tlv(0x31, seq(oid(o), tlv(tag, v.encode()))) for o, v in attributes))


CN, O, C = "2.5.4.3", "2.5.4.10", "2.5.4.6"


def ca_name(cn, **kw):
    return name((C, "DE"), (O, "Assay Test TPMs"), (CN, cn), **kw)


# ---- keys and signatures -----------------------------------------------------


def openssl(*args, data=None):
    return subprocess.run(["openssl", *args], input=data, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=True).stdout


class Key:
    def __init__(self, label, kind="P-256"):
        self.path, self.kind = f"{KEYS}/{label}.pem", kind
        if kind.startswith("P-"):
            openssl("genpkey", "-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{kind}",
                    "-out", self.path)
        else:
            openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{kind}",
                    "-out", self.path)
        self.spki = openssl("pkey", "-in", self.path, "-pubout", "-outform", "DER")

    def sign(self, tbs, digest, pss=False):
        args = ["dgst", f"-{digest}", "-sign", self.path]
        if pss:
            args += ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]
        return openssl(*args, data=tbs)


ECDSA = {"sha1": "1.2.840.10045.4.1", "sha256": "1.2.840.10045.4.3.2",
         "sha384": "1.2.840.10045.4.3.3", "sha512": "1.2.840.10045.4.3.4"}
RSA = {"sha1": "1.2.840.113549.1.1.5", "sha256": "1.2.840.113549.1.1.11",
       "sha384": "1.2.840.113549.1.1.12", "sha512": "1.2.840.113549.1.1.13"}
HASH = {"sha256": "2.16.840.1.101.3.4.2.1", "sha384": "2.16.840.1.101.3.4.2.2"}
NULL = tlv(5)


def algorithm(key, digest, pss=False, null=False):
    if pss:
        h = seq(oid(HASH[digest]), NULL)
        size = {"sha256": 32, "sha384": 48}[digest]
        return seq(oid("1.2.840.113549.1.1.10"),
                   seq(tlv(0xA0, h), tlv(0xA1, seq(oid("1.2.840.113549.1.1.8"), h)),
                       tlv(0xA2, integer(size))))
    if key.kind.startswith("P-"):
        return seq(oid(ECDSA[digest]), *([NULL] if null else []))
    return seq(oid(RSA[digest]), NULL)


def rsa_spki(n, algo="1.2.840.113549.1.1.1"):
    return seq(seq(oid(algo), NULL), bits(seq(integer(n), integer(65537))))


# ---- extensions --------------------------------------------------------------


def ext(o, value, critical=False, default=False):
    flag = [tlv(1, b"\xff")] if critical else [tlv(1, b"\0")] if default else []
    return seq(oid(o), *flag, tlv(4, value))


def basic(ca, pathlen=None):
    return ext("2.5.29.19", seq(*([tlv(1, b"\xff")] if ca else []),
                                *([] if pathlen is None else [integer(pathlen)])), True)


def usage(byte, unused):
    return ext("2.5.29.15", bits(bytes([byte]), unused), True)


CERT_SIGN = usage(0x06, 1)
ENCIPHER, AGREE, SIGN = usage(0x20, 5), usage(0x08, 3), usage(0x80, 7)


def eku(*oids, critical=False):
    return ext("2.5.29.37", seq(*(oid(o) for o in oids)), critical)


EK, AIK = "2.23.133.8.1", "2.23.133.8.3"


def key_id(spki):
    return openssl("dgst", "-sha1", "-binary", data=spki)


def skid(spki):
    return ext("2.5.29.14", tlv(4, key_id(spki)))


def akid(spki):
    return ext("2.5.29.35", seq(tlv(0x80, key_id(spki))))


TPM = [("2.23.133.2.1", "id:49465800"), ("2.23.133.2.2", "SLB 9672"), ("2.23.133.2.3", "id:0010")]


def san(attributes=TPM, critical=True, one_set=False, extra=b""):
    members = [seq(oid(o), tlv(0x0C, v.encode())) for o, v in attributes]
    sets = [tlv(0x31, *members)] if one_set else [tlv(0x31, m) for m in members]
    return ext("2.5.29.17", seq(extra, tlv(0xA4, seq(*sets))), critical)


# ---- certificates and lists --------------------------------------------------

serial = 1000


def certificate(issuer, signer, subject, spki, extensions, *, start="200101000000Z",
                end="400101000000Z", digest="sha256", pss=False, number=None, long=0, null=False,
                outer=None, version=2, alg=None):
    global serial
    serial += 1
    alg = alg or algorithm(signer, digest, pss, null)
    tbs = seq(*([tlv(0xA0, integer(version))] if version else []),
              integer(number or serial), alg, issuer, seq(time(start), time(end)), subject,
              spki, *([tlv(0xA3, seq(*extensions))] if extensions else []), long=long)
    return seq(tbs, outer or alg, bits(signer.sign(tbs, digest, pss)))


def crl(issuer, signer, serials, *, extensions=(), this="220101000000Z", next_="400101000000Z"):
    alg = algorithm(signer, "sha256")
    entries = [seq(integer(s), time("211231000000Z")) for s in serials]
    tbs = seq(integer(1), alg, issuer, time(this), *([time(next_)] if next_ else []),
              *([seq(*entries)] if entries else []), tlv(0xA0, seq(akid(signer.spki), *extensions)))
    return seq(tbs, alg, bits(signer.sign(tbs, "sha256")))


def save(file, data):
    with open(f"{FOLDER}/{file}", "wb") as f:
        f.write(data)


EMPTY = name()
root_key, ca_key, ek_key = Key("root"), Key("ca"), Key("ek")
rsa_root_key, rsa_ek_key, p384_key = Key("rsaroot", "2048"), Key("rsaek", "2048"), Key("p384", "P-384")
ROOT, CA, RSA_ROOT = ca_name("Root"), ca_name("Issuing CA 1"), ca_name("RSA Root")
CA_EXT = [basic(True, 0), CERT_SIGN, skid(ca_key.spki), akid(root_key.spki)]
EK_EXT = [basic(False), AGREE, eku(EK), san(), akid(ca_key.spki)]


def ek(extensions=None, signer=ca_key, issuer=CA, subject=EMPTY, spki=None, **kw):
    return certificate(issuer, signer, subject, spki or ek_key.spki, extensions or EK_EXT, **kw)


def issuing(label, extensions, key, **kw):
    """An issuing CA of its own, and an EK certificate that it issued."""
    subject = ca_name(label)
    ek_args = {k[3:]: kw.pop(k) for k in list(kw) if k.startswith("ek_")}
    save(f"{label}.der", certificate(ROOT, root_key, subject, kw.pop("spki", key.spki),
                                     extensions + [skid(key.spki), akid(root_key.spki)], **kw))
    save(f"{label}-ek.der", ek(EK_EXT[:-1] + [akid(key.spki)], key, subject, **ek_args))


# the manufacturer
save("root.der", certificate(ROOT, root_key, ROOT, root_key.spki,
                             [basic(True), CERT_SIGN, skid(root_key.spki)]))
save("ca.der", certificate(ROOT, root_key, CA, ca_key.spki, CA_EXT))
save("rsa-root.der", certificate(RSA_ROOT, rsa_root_key, RSA_ROOT, rsa_root_key.spki,
                                 [basic(True), CERT_SIGN, skid(rsa_root_key.spki)]))
# endorsement keys that are in order
save("ek.der", ek())
save("ek-rsa.der", ek([basic(False), ENCIPHER, eku(EK), san(), akid(ca_key.spki)],
                      spki=rsa_ek_key.spki))
save("ek-p384.der", ek(spki=p384_key.spki))
save("ek-by-rsa.der", ek(EK_EXT[:-1], rsa_root_key, RSA_ROOT, digest="sha384"))
save("ek-by-rsa-sha1.der", ek(EK_EXT[:-1], rsa_root_key, RSA_ROOT, digest="sha1"))
save("ek-by-rsa-pss.der", ek(EK_EXT[:-1], rsa_root_key, RSA_ROOT, pss=True))
n = int.from_bytes(bytes.fromhex(openssl("rsa", "-in", rsa_ek_key.path, "-noout", "-modulus")
                                 .decode().split("=")[1]), "big")
save("ek-oaep.der", ek([basic(False), san(), akid(ca_key.spki)],
                       spki=rsa_spki(n, "1.2.840.113549.1.1.7")))
save("ek-one-set.der", ek([basic(False), eku(EK), san(one_set=True), akid(ca_key.spki)]))
save("ek-9999.der", ek(end="99991231235959Z"))
save("ek-sign-usage.der", ek([basic(False), SIGN, eku(EK), san()]))
save("ek-swtpm.der", ek([eku(EK), san([("2.23.133.2.1", "id:00001014"), ("2.23.133.2.2", "swtpm"),
                                      ("2.23.133.2.3", "id:20191023")])]))
save("ek-vmware.der", ek([eku(EK), san([("2.23.133.2.1", "id:564D5700"), ("2.23.133.2.2", "VMware TPM2"),
                                       ("2.23.133.2.3", "id:00020065")])]))
save("ek-hyperv.der", ek([eku(EK), san([("2.23.133.2.1", "id:4D534654"), ("2.23.133.2.2", "Microsoft TPM"),
                                       ("2.23.133.2.3", "id:20160511")])]))
save("ek-google.der", ek([eku(EK), san([("2.23.133.2.1", "id:474F4F47"), ("2.23.133.2.2", "vTPM"),
                                       ("2.23.133.2.3", "id:20160511")])]))
# the issuer's name in another string type, case and spacing
save("ek-other-encoding.der", ek(issuer=name((C, "DE"), (O, "ASSAY  test TPMs "), (CN, "issuing ca 1"),
                                             tag=0x13)))
# not strictly DER, with one reading
save("ek-lax.der", ek([basic(False), eku(EK), san(one_set=True), ext("2.5.29.32", seq(), default=True),
                       ext("2.5.29.35", seq(tlv(0xA0, b"odd")))], long=3, null=True,
                      number=0x80 << 160))
# the certificate itself is wrong
save("ek-expired.der", ek(end="210101000000Z"))
save("ek-future.der", ek(start="390101000000Z"))
save("ek-no-eku.der", ek([basic(False), ENCIPHER, san()]))
save("ek-aik.der", ek([basic(False), eku(AIK), san()]))
save("ek-other-eku.der", ek([basic(False), eku("1.3.6.1.5.5.7.3.2"), san()]))
save("ek-any-eku.der", ek([basic(False), eku("2.5.29.37.0"), san()]))
save("ek-sign-no-eku.der", ek([basic(False), SIGN, san()]))
save("ek-no-san.der", ek([basic(False), eku(EK)]))
save("ek-no-version.der", ek([basic(False), eku(EK), san(TPM[:2])]))
save("ek-two-models.der", ek([basic(False), eku(EK), san(TPM + [("2.23.133.2.2", "SLB 9670")])]))
save("ek-critical.der", ek([basic(False), eku(EK), san(), ext("1.3.6.1.4.1.99999.1", seq(), True)]))
save("ek-name-constraints.der", ek([basic(False), eku(EK), san(), ext("2.5.29.30", seq())]))
save("ek-is-ca.der", ek([basic(True), CERT_SIGN, eku(EK), san()]))
save("ek-cert-sign.der", ek([basic(False), usage(0x24, 2), eku(EK), san()]))
save("ek-two-ekus.der", ek([eku(EK), eku(EK), san()]))
save("ek-rsa-1024.der", ek([eku(EK), san()], spki=Key("weak", "1024").spki))
save("ek-rsa-8192.der", ek([eku(EK), san()], spki=rsa_spki((1 << 8191) + 1)))
save("ek-p192.der", ek([eku(EK), san()], spki=Key("p192", "P-192").spki))
save("ek-off-curve.der", ek([eku(EK), san()],
                            spki=ek_key.spki[:-1] + bytes([ek_key.spki[-1] ^ 1])))
save("ek-other-outer.der", ek(outer=algorithm(ca_key, "sha384")))
save("ek-md5.der", ek(alg=seq(oid("1.2.840.113549.1.1.4"), NULL)))
save("ek-v1-extensions.der", ek(version=0))


def roca_modulus():
    """A modulus of the form that CVE-2017-15361 (ROCA) makes: p = k M + 65537^a mod M."""
    import random
    primes = [p for p in range(2, 702) if all(p % q for q in range(2, p))]
    m = 1
    for p in primes[:126]:
        m *= p

    def prime():
        while True:
            k = random.getrandbits(1024 - m.bit_length() - 1) | 1 << (1023 - m.bit_length())
            p = k * m + pow(65537, random.getrandbits(62), m)
            if p.bit_length() == 1024 and all(pow(b, p - 1, p) == 1 for b in (2, 3, 5, 7)):
                return p
    while True:
        product = prime() * prime()
        if product.bit_length() == 2048:
            return product


save("ek-roca.der", ek([eku(EK), san()], spki=rsa_spki(roca_modulus())))

# somebody else's CAs that have the same names
fake_root, fake_ca = Key("fakeroot"), Key("fakeca")
save("fake-root.der", certificate(ROOT, fake_root, ROOT, fake_root.spki,
                                  [basic(True), CERT_SIGN, skid(fake_root.spki)]))
save("fake-ca.der", certificate(ROOT, fake_root, CA, fake_ca.spki,
                                [basic(True, 0), CERT_SIGN, skid(fake_ca.spki), akid(fake_root.spki)]))
save("fake-ek.der", ek(EK_EXT[:-1] + [akid(fake_ca.spki)], fake_ca))
save("fake-ek-same-id.der", ek(signer=fake_ca))
save("self-ek.der", certificate(EMPTY, ek_key, EMPTY, ek_key.spki, EK_EXT[:-1]))

# endorsement keys that issue
TPM_1 = ca_name("TPM 1")
save("ek-named.der", ek(subject=TPM_1))
save("ek-by-ek.der", ek(EK_EXT[:-1], ek_key, TPM_1))
save("ek-by-nameless.der", ek(EK_EXT[:-1], ek_key, EMPTY))

# issuers that may not issue
k = Key("issuer")
save("ca-self-named.der", certificate(CA, root_key, CA, k.spki, [basic(True), CERT_SIGN]))
issuing("not-ca", [basic(False), CERT_SIGN], k)
issuing("no-basic", [CERT_SIGN], k)
issuing("no-cert-sign", [basic(True), usage(0x02, 1)], k)
issuing("aik-ca", [basic(True), CERT_SIGN, eku(AIK)], k)
issuing("ek-ca", [basic(True), CERT_SIGN, eku(EK, "1.3.6.1.4.1.311.122.2")], k)
issuing("critical-ca", [basic(True), CERT_SIGN, ext("1.3.6.1.4.1.99999.2", seq(), True)], k)
issuing("constrained-ca", [basic(True), CERT_SIGN, ext("2.5.29.30", seq(), True)], k)
issuing("expired-ca", [basic(True), CERT_SIGN], k, start="100101000000Z", end="210101000000Z")
issuing("late-ca", [basic(True), CERT_SIGN], k, start="100101000000Z", end="150101000000Z")
issuing("future-ca", [basic(True), CERT_SIGN], k, start="390101000000Z")
issuing("weak-ca", [basic(True), CERT_SIGN], Key("weakca", "1024"))
issuing("large-ca", [basic(True), CERT_SIGN], k, spki=rsa_spki((1 << 8191) + 1))
issuing("revoked-ca", [basic(True), CERT_SIGN], k, number=500)
# the revoked one's older certificate, for the same key
save("revoked-twin.der", certificate(ROOT, root_key, ca_name("revoked-ca"), k.spki,
                                     [basic(True), CERT_SIGN, skid(k.spki), akid(root_key.spki)],
                                     start="100101000000Z", end="210101000000Z"))
# an issuer under one that permits none
sub = ca_name("Sub CA")
save("sub-ca.der", certificate(CA, ca_key, sub, k.spki, [basic(True), CERT_SIGN, skid(k.spki),
                                                        akid(ca_key.spki)]))
save("sub-ca-ek.der", ek(EK_EXT[:-1] + [akid(k.spki)], k, sub))
# two that vouch for each other, and no root above them
ring = [ca_name("Ring 0"), ca_name("Ring 1")]
save("ring-0.der", certificate(ring[1], k, ring[0], k.spki, [basic(True), CERT_SIGN]))
save("ring-1.der", certificate(ring[0], k, ring[1], k.spki, [basic(True), CERT_SIGN]))
save("ring-ek.der", ek(EK_EXT[:-1], k, ring[0]))
# a line of nine CAs under the root
above, above_key = ROOT, root_key
for i in range(9):
    subject = ca_name(f"Line {i}")
    save(f"line-{i}.der", certificate(above, above_key, subject, k.spki, [basic(True), CERT_SIGN]))
    above, above_key = subject, k
    save(f"line-{i}-ek.der", ek(EK_EXT[:-1], k, subject))

# revocation
save("ek-revoked.der", ek(number=600))
save("crl.der", crl(CA, ca_key, [599, 600, 601]))
save("crl-root.der", crl(ROOT, root_key, [500]))
save("crl-empty.der", crl(CA, ca_key, []))
save("crl-stale.der", crl(CA, ca_key, [600], next_="220201000000Z"))
save("crl-no-next.der", crl(CA, ca_key, [600], next_=None))
save("crl-fake.der", crl(CA, fake_ca, [600]))
bad = bytearray(crl(CA, ca_key, [600]))
bad[-1] ^= 1
save("crl-bad.der", bytes(bad))
save("crl-delta.der", crl(CA, ca_key, [], extensions=[ext("2.5.29.27", integer(1), True)]))
save("crl-users.der", crl(CA, ca_key, [600], extensions=[ext("2.5.29.28", seq(tlv(0x81, b"\xff")), True)]))
save("crl-indirect.der", crl(CA, ca_key, [], extensions=[ext("2.5.29.28", seq(tlv(0x84, b"\xff")), True)]))

# files
der = open(f"{FOLDER}/ek.der", "rb").read()
ca = open(f"{FOLDER}/ca.der", "rb").read()


def pem(label, data, **kw):
    import base64
    text = base64.encodebytes(data).decode()
    return f"-----BEGIN {label}-----\n{text}-----END {label}-----\n"


save("ek.nv", b"\x10\x01\x00" + (len(der) + 2).to_bytes(2, "big") + b"\x10\x02" + der + bytes(100))
save("ek-ff.nv", der + b"\xff" * 64)
save("ek.pem", pem("CERTIFICATE", der).encode())
save("chain.pem", ("Bag attributes: none\r\n" + (pem("CERTIFICATE", der) + "\nissued by\n" +
                   pem("CERTIFICATE", ca)).replace("\n", "\r\n")).encode())
save("crl.pem", pem("X509 CRL", open(f"{FOLDER}/crl.der", "rb").read()).encode())

for f in os.listdir(KEYS):
    os.remove(f"{KEYS}/{f}")
os.rmdir(KEYS)
