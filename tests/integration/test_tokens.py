"""JSON web tokens at the HTTP API: what is accepted, and what an issuer that is away or slow does."""

import asyncio
import base64
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from fastapi.testclient import TestClient

from afterturn import settings as settings_module
from afterturn.access import signing_keys
from afterturn.access.tokens import SIZE_LIMIT_CHARACTERS
from afterturn.errors import SettingsError
from api_shim.credentials import open_credentials
from api_shim.http.app import create_app

ISSUER, AUDIENCE = "https://issuer.example", "afterturn"
PROFILE = "/v1/users/ana/profile"
TURNS = "/v1/users/ana/sessions/chat/turns"
TURN = {"turns": [{"role": "user", "content": "Hello"}]}
RSA = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
SECRET = b"a secret that both sides know, of 32 bytes or more"


def public(key, kid, **fields):
    """Return the public half of a key, as an issuer publishes it."""
    kinds = {"RSA": jwt.algorithms.RSAAlgorithm, "EC": jwt.algorithms.ECAlgorithm, "Ed": jwt.algorithms.OKPAlgorithm}
    kind = next(kind for name, kind in kinds.items() if type(key).__name__.startswith(name))
    return kind.to_jwk(key.public_key(), as_dict=True) | {"kid": kid} | fields


class Issuer:
    """An issuer's server of public keys."""

    def __init__(self):
        self.keys = [public(RSA, "rsa"), public(EC, "ec", alg="ES256"), public(ED, "ed", use="sig")]
        self.requests = 0
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.status = 200
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.requests += 1
                issuer.may_answer.wait(60)
                body = json.dumps({"keys": issuer.keys}).encode()
                self.send_response(issuer.status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/keys"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def issuer():
    opened = Issuer()
    yield opened
    opened.close()


@pytest.fixture
def trusting(settings, hot_store, issuer):
    """Settings that accept the issuer's tokens."""
    return with_settings(settings, jwt_issuer=ISSUER, jwt_audience=AUDIENCE, jwt_jwks_url=issuer.url)


def with_settings(settings, **changed):
    return type(settings)(**settings.model_dump(exclude_unset=True) | changed)


def sign(claims=None, *, key=RSA, algorithm="RS256", kid="rsa", without=(), **changed):
    now = int(time.time())
    standard = {"iss": ISSUER, "aud": AUDIENCE, "exp": now + 60, "sub": "ana", "scope": "read write"}
    body = {name: value for name, value in (standard | (claims or {}) | changed).items() if name not in without}
    return jwt.encode(body, key, algorithm=algorithm, headers={} if kid is None else {"kid": kid})


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def status(trusting):
    """Return a function that reads Ana's profile with a token, and returns the status."""
    with TestClient(create_app(trusting)) as client:
        yield lambda token, path=PROFILE: client.get(path, headers=bearer(token)).status_code


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"),
    [
        (RSA, "RS256", "rsa"),
        (RSA, "RS512", "rsa"),
        (RSA, "PS256", "rsa"),
        (EC, "ES256", "ec"),
        (ED, "EdDSA", "ed"),
        (ED, "EdDSA", None),  # the only key of its kind
    ],
)
def test_tokens_with_a_public_key_are_accepted(status, key, algorithm, kid):
    assert status(sign(key=key, algorithm=algorithm, kid=kid)) == 200


def forge(header, claims, signature=b""):
    """Return a token with a header and a signature that no library would make."""
    parts = [json.dumps(part).encode() for part in (header, claims)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (*parts, signature))


def claims_of_ana(**changed):
    return {"iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 60, "sub": "ana", "scope": "read"} | changed


def hs256(kid, secret):
    """Return a token whose signature was made with a secret that everybody knows: a public key."""
    header = {"alg": "HS256", "typ": "JWT", "kid": kid}
    unsigned = forge(header, claims_of_ana()).rpartition(".")[0]
    signature = hmac.new(secret, unsigned.encode(), hashlib.sha256).digest()
    return f"{unsigned}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def test_no_other_algorithm_is_accepted(status, issuer):
    pem = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    secret_key = {"kty": "oct", "kid": "oct", "k": base64.urlsafe_b64encode(SECRET).decode().rstrip("=")}
    issuer.keys.append(secret_key)
    for token in (
        forge({"alg": "none", "kid": "rsa"}, claims_of_ana()),
        forge({"alg": "None", "kid": "rsa"}, claims_of_ana()),
        forge({"kid": "rsa"}, claims_of_ana()),
        forge({"alg": ["RS256"], "kid": "rsa"}, claims_of_ana()),
        forge({"alg": "RS256", "kid": ["rsa"]}, claims_of_ana()),
        forge({"alg": "RS256", "kid": "rsa"}, claims_of_ana()),
        forge({"alg": "RS256", "kid": "rsa", "crit": ["b64"], "b64": False}, claims_of_ana()),
        forge({"alg": "RS256", "kid": "rsa", "jwk": public(EC, "rsa"), "jku": issuer.url}, claims_of_ana()),
        base64.urlsafe_b64encode(b"[" * 9_000).decode() + ".e30.e30",
        base64.urlsafe_b64encode(b'{"alg": "RS256", "kid": ' + b"9" * 5_000 + b"}").decode() + ".e30.e30",
        hs256("rsa", pem),
        hs256("oct", SECRET),
        hs256("rsa", b""),
    ):
        assert status(token) == 401


@pytest.mark.parametrize(
    "make",
    [
        lambda: sign(key=rsa.generate_private_key(public_exponent=65_537, key_size=2_048)),
        lambda: sign(key=EC, algorithm="ES256", kid="rsa"),
        lambda: sign(key=RSA, algorithm="RS256", kid="ec"),
        lambda: sign(key=RSA, algorithm="RS256", kid="nobody"),
        lambda: sign() + "x",
        lambda: sign()[:-8],
        lambda: "a.b.c",
        lambda: "..",
        lambda: "é.é.é",
        lambda: sign(filler="x" * SIZE_LIMIT_CHARACTERS),
    ],
)
def test_a_token_of_nobody_is_refused(trusting, make):
    token = make()
    with TestClient(create_app(trusting)) as client:
        answer = client.get(PROFILE, headers={"Authorization": f"Bearer {token}".encode("latin-1")})
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
        assert token not in answer.text


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"exp": -20}, 200),
        ({"exp": -60}, 401),
        ({"nbf": 20}, 200),
        ({"nbf": 120}, 401),
        ({"iat": 120}, 401),
    ],
)
def test_times_are_compared_with_a_leeway(status, changed, expected):
    now = int(time.time())
    assert status(sign({name: now + seconds for name, seconds in changed.items()})) == expected


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "other"},
        {"aud": ["other", "another"]},
        {"iss": "https://evil.example"},
        {"iss": ISSUER + "/"},
        {"exp": "tomorrow"},
        {"exp": [1]},
        {"exp": float("nan")},
        {"nbf": {}},
        {"sub": 7},
        {"sub": {"a": 1}},
        {"sub": ""},
        {"sub": "a\nb"},
        {"sub": "x" * 201},
    ],
)
def test_wrong_claims_are_refused(status, changed):
    assert status(sign(changed)) == 401


@pytest.mark.parametrize("name", ["exp", "aud", "iss"])
def test_missing_claims_are_refused(status, name):
    assert status(sign(without=(name,))) == 401


@pytest.mark.parametrize(
    ("scope", "read", "write"),
    [
        ("read write", 200, 201),
        ("afterturn:read openid", 200, 403),
        (["write"], 403, 201),
        ("", 403, 403),
        (None, 403, 403),
        ("READ reader xread", 403, 403),
        ({"read": True}, 403, 403),
        (7, 403, 403),
    ],
)
def test_rights_come_from_the_token(trusting, scope, read, write):
    with TestClient(create_app(trusting)) as client:
        headers = bearer(sign(scope=scope))
        assert client.get(PROFILE, headers=headers).status_code == read
        assert client.post(TURNS, json=TURN, headers=headers).status_code == write


@pytest.mark.parametrize(
    ("changed", "ana", "ben"),
    [
        ({"sub": "ana"}, 200, 403),
        ({"sub": "*"}, 403, 403),
        ({"sub": "every_user"}, 403, 403),
        ({"scope": "read every_user"}, 200, 200),
    ],
)
def test_users_come_from_the_token(status, changed, ana, ben):
    token = sign(changed)
    assert [status(token, f"/v1/users/{user}/profile") for user in ("ana", "ben")] == [ana, ben]


def test_which_claims_are_read_is_a_setting(trusting):
    named = with_settings(
        trusting,
        jwt_user_claim="https://x.example/users",
        jwt_rights_claim="realm_access.roles",
        jwt_tenant_claim="org",
    )
    roles = {"realm_access": {"roles": ["read", "write"]}, "org": "acme", "https://x.example/users": ["ana", "ben"]}
    with TestClient(create_app(named)) as client:
        assert client.post(TURNS, json=TURN, headers=bearer(sign(roles, sub="auth0|7"))).status_code == 201
        users = {
            user: client.get(f"/v1/users/{user}/profile", headers=bearer(sign(roles))).status_code
            for user in ("ana", "ben", "auth0|7")
        }
        assert users == {"ana": 200, "ben": 200, "auth0|7": 403}
        for org in (None, "", 7, "a\nb"):
            assert client.get(PROFILE, headers=bearer(sign(roles | {"org": org}))).status_code == 401
        # Without the claim of users there is none, and not every one.
        assert client.get(PROFILE, headers=bearer(sign(roles, without=("https://x.example/users",)))).status_code == 403
        other = client.get(TURNS, headers=bearer(sign(roles | {"org": "other"}))).json()
        assert other["turns"] == []
        assert len(client.get(TURNS, headers=bearer(sign(roles))).json()["turns"]) == 1


def test_keys_that_are_not_for_signatures_or_too_short_are_not_used(status, issuer):
    short = rsa.generate_private_key(public_exponent=65_537, key_size=1_024)
    issuer.keys = [public(RSA, "enc", use="enc"), public(RSA, "other", alg="RS512"), public(short, "short")]
    assert status(sign(kid="enc")) == status(sign(kid="other")) == 401
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = sign(key=short, kid="short")
    assert status(token) == 401


def test_a_new_key_of_the_issuer_is_found_and_unknown_ones_cost_few_requests(status, issuer):
    assert status(sign()) == 200
    new = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    issuer.keys.append(public(new, "new"))
    assert status(sign(key=new, kid="new")) == 200
    assert issuer.requests == 2
    for number in range(20):
        assert status(sign(key=new, kid=f"unknown-{number}")) == 401
    assert issuer.requests == 2
    assert status(sign()) == 200


def test_an_issuer_that_is_away_is_no_wrong_token(trusting, issuer):
    issuer.status = 500
    with TestClient(create_app(trusting)) as client:
        answer = client.get(PROFILE, headers=bearer(sign()))
        assert (answer.status_code, answer.json()["code"]) == (503, "signing_keys_unavailable")
        # What needs no key to be refused is refused.
        assert client.get(PROFILE, headers=bearer(forge({"alg": "none"}, claims_of_ana()))).status_code == 401
        issuer.status = 200
        assert client.get(PROFILE, headers=bearer(sign())).status_code == 200
        issuer.status = 500
        assert client.get(PROFILE, headers=bearer(sign())).status_code == 200
        unknown = [client.get(PROFILE, headers=bearer(sign(kid="unknown"))).status_code for _ in range(2)]
        assert unknown == [503, 503]


def test_known_keys_are_used_while_the_issuer_is_away_and_not_for_ever(trusting, issuer, monkeypatch):
    monkeypatch.setattr(signing_keys, "FRESH_SECONDS", 0.2)
    monkeypatch.setattr(signing_keys, "OUTAGE_SECONDS", 1.0)
    monkeypatch.setattr("afterturn.access.fresh_value.FRESH_SECONDS", 0.2)
    with TestClient(create_app(trusting)) as client:
        assert client.get(PROFILE, headers=bearer(sign())).status_code == 200
        issuer.status = 500
        time.sleep(0.5)
        assert client.get(PROFILE, headers=bearer(sign())).status_code == 200
        time.sleep(1.0)
        assert client.get(PROFILE, headers=bearer(sign())).status_code == 503


@pytest.mark.parametrize("keys", [[], None, "x", [None, 7], [{}], [{"kty": "RSA", "kid": "rsa"}]])
def test_a_document_without_usable_keys_accepts_nothing(status, issuer, keys):
    issuer.keys = keys
    assert status(sign()) == 401


def test_a_slow_issuer_does_not_stop_other_requests(trusting, issuer):
    issuer.may_answer.clear()

    async def run():
        credentials = open_credentials(trusting)
        waiting = [asyncio.create_task(credentials.resolve(sign())) for _ in range(20)]
        while issuer.requests == 0:
            await asyncio.sleep(0.01)
        # This runs while the issuer is waited for; otherwise it would never answer.
        issuer.may_answer.set()
        callers = await asyncio.gather(*waiting)
        credentials.close()
        return {caller.name for caller in callers}

    assert asyncio.run(run()) == {"ana"}
    assert issuer.requests == 1


def test_without_the_settings_a_token_is_a_wrong_credential(settings, hot_store):
    with TestClient(create_app(with_settings(settings, api_key="s3cret"))) as client:
        assert client.get(PROFILE, headers=bearer(sign())).status_code == 401


def test_with_the_settings_a_credential_is_required(trusting):
    with TestClient(create_app(trusting)) as client:
        assert client.get(PROFILE).status_code == 401


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"ISSUER": ISSUER}, "set together"),
        ({"ISSUER": ISSUER, "AUDIENCE": AUDIENCE}, "set together"),
        ({"JWKS_URL": "https://issuer.example/keys"}, "set together"),
        ({"ISSUER": ISSUER, "AUDIENCE": AUDIENCE, "JWKS_URL": "http://issuer.example/keys"}, "https://"),
        ({"ISSUER": ISSUER, "AUDIENCE": AUDIENCE, "JWKS_URL": "file:///etc/keys"}, "https://"),
        ({"ISSUER": ISSUER, "AUDIENCE": AUDIENCE, "JWKS_URL": "http://127.0.0.1.evil.example/"}, "https://"),
        ({"ISSUER": ISSUER, "AUDIENCE": AUDIENCE, "JWKS_URL": "https://"}, "https://"),
    ],
)
def test_settings_that_are_not_safe_are_refused(given, problem):
    with pytest.raises(SettingsError, match=f"AFTERTURN_JWT_JWKS_URL.*{problem}"):
        settings_module.load({f"AFTERTURN_JWT_{name}": value for name, value in given.items()})
    settings_module.load(
        {
            "AFTERTURN_JWT_ISSUER": ISSUER,
            "AFTERTURN_JWT_AUDIENCE": AUDIENCE,
            "AFTERTURN_JWT_JWKS_URL": "https://x.example/k",
        }
    )
