# A WSGI application behind Holdfast. Its server's access to the header is HTTP_HOLDFASTASSERTION.
import base64
import json
import os
import time
import urllib.request
from wsgiref.simple_server import make_server

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ISSUER = os.environ["HOLDFAST"]
APPLICATION = os.environ["APPLICATION"]
KEPT, ASK_AGAIN, LEEWAY = 300, 30, 30

keys = {}
read_at = asked_at = 0.0


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def key_of(kid):
    """A published key, kept for five minutes; if Holdfast is away, the last ones."""
    global keys, read_at, asked_at
    now = time.monotonic()
    due = kid not in keys or now - read_at >= KEPT
    if due and (not keys or now - asked_at >= ASK_AGAIN):
        asked_at = now
        try:
            with urllib.request.urlopen(f"{ISSUER}/.well-known/holdfast-keys.json", timeout=2) as answer:
                found = json.load(answer)["keys"]
            keys = {k["kid"]: Ed25519PublicKey.from_public_bytes(decode(k["x"])) for k in found if k.get("crv") == "Ed25519"}
            read_at = now
        except OSError:
            if not keys:
                raise
    return keys.get(kid)


def who_is(assertion):
    """The claims of a good assertion, or None."""
    try:
        head, claims, signature = assertion.split(".")
        header = json.loads(decode(head))
        if header["alg"] != "EdDSA" or header["typ"] != "holdfast-assertion+jwt" or "crit" in header:
            return None
        key = key_of(header["kid"])
        if key is None:
            return None
        key.verify(decode(signature), f"{head}.{claims}".encode())
        person = json.loads(decode(claims))
        now = time.time()
        good = person["iss"] == ISSUER and person["aud"] == APPLICATION
        return person if good and person["iat"] - LEEWAY < now < person["exp"] + LEEWAY else None
    except (ValueError, KeyError, TypeError, InvalidSignature):
        return None


def application(environ, start_response):
    try:
        person = who_is(environ.get("HTTP_HOLDFASTASSERTION", ""))
    except OSError:
        start_response("503 Service Unavailable", [])
        return [b""]
    if person is None:
        start_response("401 Unauthorized", [])
        return [b""]
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [f"Hello {person['email']}".encode()]


if __name__ == "__main__":
    make_server("127.0.0.1", int(os.environ["PORT"]), application).serve_forever()
