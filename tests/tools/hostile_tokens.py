#!/usr/bin/python3
"""Attestation results that a relying party may be shown, all signed by its verifier's key
unless the name says otherwise, for tests/integration/verify_token.sh.

usage: hostile_tokens.py FOLDER

Writes FOLDER/keys.json (a JWK set), key.json (one JWK without kid), key.pem, one FOLDER/NAME
per token, and FOLDER/cases: a line "EXIT-STATUSES|NAME|OPTIONS" for each.
"""
import base64
import json
import os
import sys

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

NOW = 1795341600
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
folder = sys.argv[1]
key = ec.generate_private_key(ec.SECP256R1())
other = ec.generate_private_key(ec.SECP256R1())
cases = []


def b64(x):
    return base64.urlsafe_b64encode(x).decode().rstrip("=")


def jwk(k, **more):
    n = k.public_key().public_numbers()
    return dict({"kty": "EC", "crv": "P-256", "x": b64(n.x.to_bytes(32, "big")),
                 "y": b64(n.y.to_bytes(32, "big"))}, **more)


def text(x):
    return x if isinstance(x, bytes) else x.encode() if isinstance(x, str) else json.dumps(x).encode()


def sign(head, claims, k=key, form=lambda r, s, der: r.to_bytes(32, "big") + s.to_bytes(32, "big")):
    what = (b64(text(head)) + "." + b64(text(claims))).encode()
    der = k.sign(what, ec.ECDSA(hashes.SHA256()))
    return what + b"." + b64(form(*decode_dss_signature(der), der)).encode()


def case(status, name, token, options=""):
    with open(os.path.join(folder, name), "wb") as f:
        f.write(token)
    cases.append("%s|%s|%s" % (status, name, options))


def head(**more):
    h = dict({"alg": "ES256", "kid": "k1", "typ": "JWT"}, **more)
    return {n: v for n, v in h.items() if v is not None}


def old(submods=None, **more):
    """A payload of the dialect of 2023, with members added, changed, or (None) taken away."""
    c = dict({"eat_profile": "tag:github.com,2023:veraison/ear", "iat": NOW - 60, "exp": NOW + 600,
              "ear.verifier-id": {"developer": "d", "build": "b"}}, **more)
    c["submods"] = submods or {"gw": {"ear.status": "affirming", "ear.trustworthiness-vector": {"hardware": 2}}}
    return {n: v for n, v in c.items() if v is not None}


def ietf(status="affirming", overall=None, vector=None, **more):
    c = dict({"eat_profile": "tag:ietf.org,2026:rats/ear#03", "iat": NOW - 60, "exp": NOW + 600,
              "ear_verifier_id": {"developer": "d", "build": "b"}, "submods": {"gw": {
                  "ear_status": status, "ear_trustworthiness_vector": vector or {"hardware": 2}}}}, **more)
    if overall:
        c["ear_status"] = overall
    return c


def keys():
    with open(os.path.join(folder, "keys.json"), "w") as f:
        json.dump({"keys": [jwk(key, kid="k1", use="sig", alg="ES256")]}, f)
    with open(os.path.join(folder, "key.json"), "w") as f:
        json.dump(jwk(key), f)
    with open(os.path.join(folder, "key.pem"), "wb") as f:
        f.write(key.public_key().public_bytes(serialization.Encoding.PEM,
                                              serialization.PublicFormat.SubjectPublicKeyInfo))


def headers():
    case(0, "as_it_should_be", sign(head(), old()))
    case(0, "the_other_dialect", sign(head(), ietf()))
    case(0, "a_typ_in_lower_case", sign(head(typ="jwt"), old()))
    case(0, "the_typ_of_an_eat", sign(head(typ="application/eat+jwt"), old()))
    case(0, "no_typ", sign(head(typ=None), old()))
    case(0, "no_kid", sign(head(kid=None), old()))
    case(1, "the_typ_of_a_decision_record", sign(head(typ="assay-decision+jwt"), old()))
    case(1, "the_typ_of_another_token", sign(head(typ="at+jwt"), old()))
    case("1 2", "a_typ_that_is_no_text", sign(head(typ=1), old()))
    case(1, "an_unknown_kid", sign(head(kid="k2"), old()))
    case(1, "an_empty_kid_of_another_key", sign(head(kid=""), old(), other))
    case("1 2", "a_kid_that_is_no_text", sign(head(kid=["k1"]), old()))
    case(1, "another_key_under_its_kid", sign(head(), old(), other))
    case(1, "a_jwk_of_its_own", sign(head(kid=None, jwk=jwk(other)), old(), other))
    case(1, "a_jwk_of_its_own_under_our_kid", sign(head(jwk=jwk(other)), old(), other))
    case(1, "a_jku_of_its_own", sign(head(jku="https://evil.example/jwks.json"), old(), other))
    case(1, "an_x5u_and_x5c_of_its_own", sign(head(x5u="https://evil.example/c", x5c=["AAAA"]), old(), other))
    case(1, "alg_none", sign(head(alg="none"), old()))
    case(1, "alg_es384", sign(head(alg="ES384"), old()))
    case(1, "no_alg", sign(head(alg=None), old()))
    case(1, "crit", sign(head(crit=["exp"]), old()))
    case(1, "an_empty_crit", sign(head(crit=[]), old()))
    case(1, "b64", sign(head(b64=False, crit=["b64"]), old()))
    case("1 2", "alg_twice", sign('{"alg":"none","alg":"ES256","kid":"k1"}', old()))
    case("1 2", "alg_twice_with_an_escape", sign('{"alg":"ES256","\\u0061lg":"none","kid":"k1"}', old()))
    case("1 2", "a_header_that_is_a_list", sign('["ES256"]', old()))
    case("1 2", "a_header_with_a_bom", sign(b'\xef\xbb\xbf{"alg":"ES256","kid":"k1"}', old()))


def signatures():
    def form(name, status, f):
        case(status, name, sign(head(), old(), form=f))

    good = sign(head(), old())
    b = (32, "big")
    form("a_signature_in_der", "1 2", lambda r, s, der: der)
    form("a_high_s", 0, lambda r, s, der: r.to_bytes(*b) + max(s, ORDER - s).to_bytes(*b))
    form("r_is_0", 1, lambda r, s, der: bytes(32) + s.to_bytes(*b))
    form("s_is_0", 1, lambda r, s, der: r.to_bytes(*b) + bytes(32))
    form("both_are_0", 1, lambda r, s, der: bytes(64))
    form("r_is_the_order", 1, lambda r, s, der: ORDER.to_bytes(*b) + s.to_bytes(*b))
    form("s_is_the_order", 1, lambda r, s, der: r.to_bytes(*b) + ORDER.to_bytes(*b))
    form("s_and_the_order", 1, lambda r, s, der: r.to_bytes(*b) + min(s + ORDER, 2**256 - 1).to_bytes(*b))
    form("63_bytes", "1 2", lambda r, s, der: (r.to_bytes(*b) + s.to_bytes(*b))[:63])
    form("65_bytes", "1 2", lambda r, s, der: r.to_bytes(*b) + s.to_bytes(*b) + b"\0")
    form("no_signature", "1 2", lambda r, s, der: b"")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    case("1 2", "bits_that_do_not_count",
         good[:-1] + alphabet[alphabet.index(chr(good[-1])) ^ 1].encode())
    case("1 2", "padding", good + b"==")
    case("1 2", "a_blank_inside", good[:40] + b" " + good[40:])
    case("1 2", "a_line_end_inside", good[:40] + b"\n" + good[40:])
    case("1 2", "something_behind", good + b".x")
    case("1 2", "a_null_behind", good + b"\0")
    case("1 2", "nothing", b"")
    case("1 2", "two_parts", good[:good.rindex(b".")])


def times():
    for name, value in (("a_float", float(NOW)), ("a_text", str(NOW)), ("negative", -1), ("null", None),
                        ("true", True), ("huge", 10**30), ("an_exponent", "%E%")):
        for member in ("iat", "exp", "nbf"):
            claims = json.dumps(dict(old(), **{member: value})).replace('"%E%"', "1e9")
            case(2, "%s_is_%s" % (member, name), sign(head(), claims))
    case(2, "no_iat", sign(head(), old(iat=None)))
    case(0, "no_exp", sign(head(), old(exp=None)))
    case(0, "exp_is_far_away", sign(head(), old(exp=2**62)))
    case(1, "exp_is_0", sign(head(), old(exp=0)))
    case(1, "exp_is_now", sign(head(), old(exp=NOW)))
    case(1, "iat_is_in_the_future", sign(head(), old(iat=NOW + 300)))
    case(0, "iat_is_a_little_ahead", sign(head(), old(iat=NOW + 30)))
    case(1, "nbf_is_in_the_future", sign(head(), old(nbf=NOW + 1)))
    case(0, "nbf_is_now", sign(head(), old(nbf=NOW)))


def claims():
    submod = {"ear.status": "affirming", "ear.trustworthiness-vector": {"hardware": 2}}
    nonces = ["AAECAwQFBgcICQoL", "AAECAwQFBgcICQoM"]
    case(0, "for_several", sign(head(), old(aud=["a", "rp"])), "--audience rp")
    case(1, "for_several_others", sign(head(), old(aud=["a", "b"])), "--audience rp")
    case(1, "for_nobody", sign(head(), old()), "--audience rp")
    case(2, "for_a_number", sign(head(), old(aud=["rp", 1])), "--audience rp")
    case(2, "for_an_empty_list", sign(head(), old(aud=[])))
    case(0, "several_nonces", sign(head(), old(eat_nonce=nonces)), "--nonce " + nonces[1])
    case(1, "several_other_nonces", sign(head(), old(eat_nonce=nonces)), "--nonce AAECAwQFBgcICQoN")
    case(1, "no_nonce", sign(head(), old()), "--nonce " + nonces[0])
    case(1, "the_nonce_of_jwt", sign(head(), old(nonce=nonces[0])), "--nonce " + nonces[0])
    case(2, "a_short_nonce", sign(head(), old(eat_nonce="AAECAwQ")))
    case(2, "a_short_nonce_of_two", sign(head(), old(eat_nonce=[nonces[0], "AAECAwQ"])))
    case(2, "an_empty_nonce", sign(head(), old(eat_nonce="")))
    case(2, "a_long_nonce", sign(head(), old(eat_nonce="A" * 89)))
    case(0, "a_profile_in_between", sign(head(), old(eat_profile="tag:ietf.org,2025-07:ear")))
    case(2, "another_profile", sign(head(), old(eat_profile="tag:example.org,2026:x")))
    case(2, "names_of_the_other_dialect", sign(head(), old(eat_profile="tag:ietf.org,2026:rats/ear#03")))
    case(0, "a_name_with_an_escape", sign(head(), old({"ger\u00e4t/1": submod})))
    case(0, "claims_that_nobody_knows", sign(head(), old(x={"y": [1e300, None, {"z": -0.0}]})))
    case(2, "a_status_that_is_a_number", sign(head(), old({"gw": dict(submod, **{"ear.status": 2})})))
    case(2, "no_status", sign(head(), old({"gw": {"ear.trustworthiness-vector": {"hardware": 2}}})))
    case(2, "submods_in_submods", sign(head(), old({"gw": {"submods": {"gw": submod}}})))
    case(2, "a_submod_that_is_a_token", sign(head(), old({"gw": "e30.e30.AA"})))
    case(2, "the_second_submod_is_bad", sign(head(), old({"gw": submod, "b": {"ear.status": "good"}})))
    case(2, "a_status_better_than_its_claim",
         sign(head(), old({"gw": dict(submod, **{"ear.trustworthiness-vector": {"hardware": 32}})})))
    case(2, "an_affirmation_of_nothing", sign(head(), ietf(vector={"hardware": 0, "executables": 0})))
    case(2, "an_affirmation_by_a_verifier_with_a_fault", sign(head(), ietf(vector={"hardware": 2, "executables": -1})))
    case(2, "a_claim_that_is_a_text", sign(head(), ietf(vector={"hardware": "2"})))
    case(2, "a_claim_twice", sign(head(), json.dumps(old()).replace(
        '"hardware": 2', '"hardware": 96, "hardware": 2')))
    case(2, "a_whole_better_than_its_part", sign(head(), ietf("warning", "affirming")))
    case(0, "a_whole_worse_than_its_part", sign(head(), ietf("affirming", "contraindicated")))
    case(1, "which_is_not_good_enough", sign(head(), ietf("affirming", "contraindicated")), "--status affirming")
    case(1, "a_whole_of_which_nothing_is_said", sign(head(), ietf("affirming", "none")), "--status warning")
    case("1 2", "bytes_that_are_no_utf8", sign(head(), json.dumps(old()).encode().replace(b'"gw"', b'"g\xc0\xaf"')))
    case("1 2", "half_a_surrogate", sign(head(), json.dumps(old()).replace('"gw"', '"\\ud800"')))
    case("1 2", "a_null_in_a_name", sign(head(), json.dumps(old()).replace('"gw"', '"g\\u0000w"')))
    case("1 2", "something_behind_the_claims", sign(head(), json.dumps(old()) + "{}"))
    case("1 2", "nesting_without_end", sign(head(), json.dumps(old())[:-1] + ', "x": ' + "[" * 9999 + "]" * 9999 + "}"))
    case(0, "a_terminals_language", sign(head(), old(**{"ear.verifier-id": {
        "developer": "\x1b]0;x\x07", "build": "\x1b[2J"}})))


keys()
headers()
signatures()
times()
claims()
with open(os.path.join(folder, "cases"), "w") as f:
    f.write("\n".join(cases) + "\n")
