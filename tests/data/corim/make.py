#!/usr/bin/python3
# make.py: makes the CoRIMs of this folder (needs python3-cbor2 and openssl). The keys are
# made anew each time and thrown away; test_corim.c and corim.sh read what is here.
import subprocess, tempfile, os
import cbor2
from cbor2 import CBORTag as Tag

here = os.path.dirname(os.path.abspath(__file__))
tmp = tempfile.mkdtemp()


def sh(*a, stdin=None):
    return subprocess.run(a, check=True, input=stdin, capture_output=True).stdout


def key(name, curve='P-256'):
    sh('openssl', 'genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:' + curve,
       '-out', f'{tmp}/{name}.key')


def cert(name, issuer, ext, days=36500):
    open(f'{tmp}/{name}.ext', 'w').write(ext)
    sh('openssl', 'req', '-new', '-key', f'{tmp}/{name}.key', '-subj', f'/O=Assay tests/CN={name}',
       '-out', f'{tmp}/{name}.csr')
    sign = ['-signkey', f'{tmp}/{name}.key'] if issuer == name else \
        ['-CA', f'{tmp}/{issuer}.pem', '-CAkey', f'{tmp}/{issuer}.key', '-CAcreateserial']
    sh('openssl', 'x509', '-req', '-in', f'{tmp}/{name}.csr', *sign, '-days', str(days), '-sha256',
       '-extfile', f'{tmp}/{name}.ext', '-out', f'{tmp}/{name}.pem')
    sh('openssl', 'x509', '-in', f'{tmp}/{name}.pem', '-outform', 'DER', '-out', f'{tmp}/{name}.der')


def der(name):
    return open(f'{tmp}/{name}.der', 'rb').read()


def ints(d):
    # ECDSA-Sig-Value to r || s
    i = 2 if d[1] < 128 else 3
    out = []
    for _ in range(2):
        n = d[i + 1]
        out.append(int.from_bytes(d[i + 2:i + 2 + n], 'big'))
        i += 2 + n
    return out


def sign(payload, keyname, protected, unprotected=None, size=32, md='sha256'):
    p = cbor2.dumps(protected)
    tbs = cbor2.dumps(['Signature1', p, b'', payload])
    d = sh('openssl', 'dgst', '-' + md, '-sign', f'{tmp}/{keyname}.key', stdin=tbs)
    r, s = ints(d)
    return cbor2.dumps(Tag(18, [p, unprotected or {}, payload,
                                r.to_bytes(size, 'big') + s.to_bytes(size, 'big')]))


CA = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n'
LEAF = 'basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\n'
for n in 'root', 'vendor', 'signer', 'stranger', 'nosign':
    key(n)
key('signer384', 'P-384')
cert('root', 'root', CA)
cert('vendor', 'root', CA + 'authorityKeyIdentifier=keyid\n')
cert('signer', 'vendor', LEAF)
cert('signer384', 'vendor', LEAF)
cert('nosign', 'vendor', 'basicConstraints=CA:FALSE\nkeyUsage=critical,keyEncipherment\n')
cert('stranger', 'stranger', CA)

T0, T1 = 1767225600, 1893456000  # 2026-01-01, 2030-01-01


def meta(nbf=T0, naf=T1, name='Assay tests, firmware'):
    return cbor2.dumps({0: {0: name}, 1: {0: Tag(1, nbf), 1: Tag(1, naf)}})


def header(alg=-7, chain=None, meta_=True, claims=False, **more):
    h = {1: alg, 3: 'application/rim+cbor'}
    if meta_:
        h[8] = meta(**more)
    if claims:
        h[15] = {1: 'Assay tests, firmware', 5: T0, 4: T1}
    if chain:
        h[33] = chain if len(chain) > 1 else chain[0]
    return h


def sha(n, alg=1):
    return [alg, bytes([n]) * {1: 32, 7: 48, 8: 64}[alg]]


ENV = {0: {1: 'ACME Ltd.', 2: 'RoadRunner 9'}}
PCRS = {1: {14: {0: [sha(0)], 2: [sha(2)], 4: [sha(4), sha(4, 7)], 7: [sha(7)]}}}
COMPONENT = {0: 'firmware', 1: {0: {0: '1.4.2', 1: 16384}, 2: [sha(0x11)]}}
MINIMUM = {0: 'plc', 1: {1: Tag(553, 7)}}


def comid(triples, tag='acme-roadrunner-fw-1.4.2', links=None):
    m = {1: {0: tag}, 4: triples}
    if links:
        m[3] = links
    return Tag(506, cbor2.dumps(m))


def corim(tags, ident='acme-roadrunner-2026-01', **more):
    m = {0: ident, 1: tags}
    m.update({int(k[1:]): v for k, v in more.items()})
    return cbor2.dumps(Tag(501, m))


def ref(*measurements, env=ENV):
    return [env, list(measurements)]


good = corim([comid({0: [ref(PCRS)]})])
chain = [der('signer'), der('vendor')]
files = {
    'root.der': der('root'), 'vendor.der': der('vendor'), 'stranger.der': der('stranger'),
    'signer.der': der('signer'),
    'signer-key.der': sh('openssl', 'pkey', '-in', f'{tmp}/signer.key', '-pubout', '-outform', 'DER'),
    'stranger-key.der': sh('openssl', 'pkey', '-in', f'{tmp}/stranger.key', '-pubout', '-outform', 'DER'),
    'good.corim': sign(good, 'signer', header(chain=chain)),
    'good-claims.corim': sign(good, 'signer', header(chain=chain, meta_=False, claims=True)),
    'good-both.corim': sign(good, 'signer', header(chain=chain, claims=True)),
    'good-unprotected-chain.corim': sign(good, 'signer', header(), {33: chain}),
    'good-key-only.corim': sign(good, 'signer', header()),
    'good-legacy.corim': cbor2.dumps(Tag(500, Tag(502, cbor2.loads(sign(good, 'signer', header(chain=chain)))))),
    'good-384.corim': sign(good, 'signer384', header(-35, [der('signer384'), der('vendor')]), size=48, md='sha384'),
    'good-components.corim': sign(corim([comid({0: [ref({1: {14: {0: [sha(0)], 4: [sha(4), sha(4, 7)], 7: [sha(7)], 2: [sha(3)]}}}), ref(COMPONENT, MINIMUM)]})]), 'signer', header(chain=chain)),
    'good-two-records.corim': sign(corim([comid({0: [ref(PCRS), ref({1: {14: {0: [sha(0)], 7: [sha(9)]}}})]})]), 'signer', header(chain=chain)),
    'good-replaces.corim': sign(corim([comid({0: [ref({1: {14: {0: [sha(1)], 7: [sha(7)]}}})]}, 'acme-roadrunner-fw-1.4.3',
                                             [{0: 'acme-roadrunner-fw-1.4.2', 1: 1}])], 'acme-roadrunner-2026-02'), 'signer', header(chain=chain)),
    'good-unsigned.corim': good,
    'bad-stranger.corim': sign(good, 'stranger', header(chain=[der('stranger')])),
    'bad-key-usage.corim': sign(good, 'nosign', header(chain=[der('nosign'), der('vendor')])),
    'bad-other-key.corim': sign(good, 'stranger', header(chain=chain)),
    'bad-no-intermediate.corim': sign(good, 'signer', header(chain=[der('signer')])),
    'bad-expired.corim': sign(good, 'signer', header(chain=chain, nbf=T0 - 100, naf=T0 - 1)),
    'bad-not-yet.corim': sign(good, 'signer', header(chain=chain, nbf=T1)),
    'bad-expired-inside.corim': sign(corim([comid({0: [ref(PCRS)]})], _4={0: Tag(1, T0 - 9), 1: Tag(1, T0 - 1)}), 'signer', header(chain=chain)),
    'bad-disagree.corim': sign(good, 'signer', header(chain=chain, claims=True, naf=T1 + 1)),
    'bad-no-meta.corim': sign(good, 'signer', header(chain=chain, meta_=False)),
    'bad-content-type.corim': sign(good, 'signer', {**header(chain=chain), 3: 'application/cbor'}),
    'bad-crit.corim': sign(good, 'signer', {**header(chain=chain), 2: [99], 99: 1}),
    'bad-hash-envelope.corim': sign(good, 'signer', {**header(chain=chain), 258: -16}),
    'bad-alg.corim': sign(good, 'signer', header(-257, chain)),
    'bad-alg-size.corim': sign(good, 'signer', header(-35, chain)),
    'bad-profile.corim': sign(corim([comid({0: [ref(PCRS)]})], _3=Tag(32, 'https://example.com/p')), 'signer', header(chain=chain)),
    'bad-extension.corim': sign(corim([comid({0: [ref(PCRS)]})], _9=1), 'signer', header(chain=chain)),
    'bad-no-tags.corim': sign(cbor2.dumps(Tag(501, {0: 'x'})), 'signer', header(chain=chain)),
    'unused-text-register.corim': sign(corim([comid({0: [ref({1: {14: {0: [sha(0)], '5': [sha(5)]}}})]})]), 'signer', header(chain=chain)),
    'unused-mixed.corim': sign(corim([comid({0: [ref(PCRS, COMPONENT)]})]), 'signer', header(chain=chain)),
    'unused-version-and-svn.corim': sign(corim([comid({0: [ref({0: 'fw', 1: {0: {0: '1'}, 1: 7}})]})]), 'signer', header(chain=chain)),
    'unused-twice.corim': sign(corim([comid({0: [ref({1: {14: {0: [sha(0), sha(1)]}}})]})]), 'signer', header(chain=chain)),
    'unused-no-digest.corim': sign(corim([comid({0: [ref({1: {14: {0: []}}})]})]), 'signer', header(chain=chain)),
    'unused-pcr23.corim': sign(corim([comid({0: [ref({1: {14: {23: [sha(0)]}}})]})]), 'signer', header(chain=chain)),
    'unused-raw.corim': sign(corim([comid({0: [ref({1: {14: {0: [sha(0)]}, 4: Tag(560, b'raw')}})]})]), 'signer', header(chain=chain)),
    'unused-negative.corim': sign(corim([comid({0: [ref({1: {14: {0: [sha(0)]}, -5: 1}})]})]), 'signer', header(chain=chain)),
    'unused-authorised.corim': sign(corim([comid({0: [ref({**PCRS, 2: [Tag(554, 'k')]})]})]), 'signer', header(chain=chain)),
    'unused-layer.corim': sign(corim([comid({0: [ref(PCRS, env={0: {1: 'ACME Ltd.', 3: 1}})]})]), 'signer', header(chain=chain)),
    'unused-instance.corim': sign(corim([comid({0: [ref(PCRS, env={**ENV, 1: Tag(550, b'1' * 33)})]})]), 'signer', header(chain=chain)),
    'unused-endorsed.corim': sign(corim([comid({1: [ref(PCRS)]})]), 'signer', header(chain=chain)),
    'class-id.corim': sign(corim([comid({0: [ref({1: {14: {0: [sha(0)], 7: [sha(8)]}}}, env={0: {0: Tag(37, bytes(range(16))), 1: 'ACME Ltd.'}})]})]), 'signer', header(chain=chain)),
    # not CBOR as it should be
    'malformed-twice.corim': bytes.fromhex('d901f5a3') + cbor2.dumps(0) + cbor2.dumps('a') + cbor2.dumps(0) + cbor2.dumps('b') + cbor2.dumps(1) + cbor2.dumps([1]),
    'malformed-indefinite.corim': bytes.fromhex('d901f5bf') + cbor2.dumps(0) + cbor2.dumps('a') + b'\xff',
    'malformed-long-integer.corim': bytes.fromhex('d901f5a1') + bytes.fromhex('1800') + cbor2.dumps('a'),
    'malformed-array.corim': bytes.fromhex('d901f5a1019a10000000'),
    'malformed-deep.corim': b'\x81' * 5000 + b'\x01',
    'malformed-trailing.corim': good + b'\0',
}
for name, content in files.items():
    open(f'{here}/{name}', 'wb').write(content)
