"""Signed tokens: the accepted ones, and every way in which one is refused."""

import hashlib
import hmac
import time
from collections.abc import Callable, Generator
from typing import Any

import anyio
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from mcp_errortracking.oauth.errors import TokenRefusedError
from mcp_errortracking.oauth.facts import TokenFacts
from mcp_errortracking.oauth.requests import Requests
from mcp_errortracking.oauth.signed_tokens import ACCEPTED_SECONDS, LONGEST, SignedTokens
from mcp_errortracking.oauth.signing_keys import RETRY_SECONDS, SigningKey, SigningKeys
from tests.fuzz.effort import effort
from tests.oauth.test_signing_keys import Clock
from tests.oauth.tokens import AUDIENCE, ISSUER, claims, forge, jwk, private_key, sign
from tests.proxy.fault_server import FaultServer, http

pytestmark = pytest.mark.anyio

NOW = int(time.time())


@pytest.fixture(scope="module")
def published() -> Generator[FaultServer]:
    """The keys of an issuer: good ones, and some that must not be used."""
    keys = [
        {"kty": "oct", "kid": "secret", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"},
        {"kty": "RSA", "kid": "broken", "n": "!", "e": "AQAB"},
        "not a key",
        jwk("rsa"),
        jwk("ec"),
        jwk("ed"),
        jwk("rsa-encryption", use="enc"),
        jwk("rsa-weak"),
        jwk("rsa-ps", alg="PS256"),
    ]
    with FaultServer([http(200, {"keys": keys})]) as server:
        yield server


async def verify(published: FaultServer, token: str) -> TokenFacts:
    requests = Requests(lambda _: None)
    try:
        return await SignedTokens(SigningKeys(requests, ISSUER, published.url), ISSUER, [AUDIENCE]).verify(token)
    finally:
        await requests.aclose()


async def refusal(published: FaultServer, token: str) -> str:
    with pytest.raises(TokenRefusedError) as caught:
        await verify(published, token)
    assert token not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("key", "algorithm"), [("rsa", "RS256"), ("rsa", "PS512"), ("ec", "ES256"), ("ed", "EdDSA"), ("rsa-ps", "PS256")]
)
async def test_a_good_token_is_accepted(published: FaultServer, key: str, algorithm: str) -> None:
    facts = await verify(published, sign(key, algorithm, scope="errors:read errors:write", exp=NOW + 86_400))

    assert facts == TokenFacts(ISSUER, "agent", "ada", frozenset(["errors:read", "errors:write"]), NOW + 86_460)


@pytest.mark.parametrize(
    ("more", "scopes", "client", "subject"),
    [
        ({"scp": ["a", "b"], "cid": "okta", "client_id": None}, {"a", "b"}, "okta", "ada"),
        ({"scp": "a b", "azp": "keycloak", "client_id": None}, {"a", "b"}, "keycloak", "ada"),
        ({"roles": ["a"]}, {"a"}, "agent", "ada"),
        ({"roles": ["admin"], "scp": "a"}, {"a"}, "agent", "ada"),
        ({"scope": {"a": 1}, "scp": [1, "b"]}, {"b"}, "agent", "ada"),
        ({"scope": "a  b\u00a0c"}, {"a", "b\u00a0c"}, "agent", "ada"),
        ({"sub": "a" * 500}, set(), "agent", "a" * 500),
        ({"aud": ["other", AUDIENCE]}, set(), "agent", "ada"),
        ({"sub": None}, set(), "agent", "agent"),
        ({"client_id": None}, set(), "ada", "ada"),
    ],
)
async def test_the_claims_of_several_issuers(
    published: FaultServer, more: dict[str, Any], scopes: set[str], client: str, subject: str
) -> None:
    facts = await verify(published, sign(**more))

    assert (facts.scopes, facts.client, facts.subject) == (scopes, client, subject)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"aud": "https://other.example/mcp"}, "The token was issued for another audience."),
        ({"aud": []}, "The token was issued for another audience."),
        ({"aud": None}, "The token was issued for another audience."),
        ({"aud": AUDIENCE + "/"}, "The token was issued for another audience."),
        ({"iss": "https://login.example/realms/other"}, "The token is of another issuer."),
        ({"iss": ISSUER + "/"}, "The token is of another issuer."),
        ({"iss": None}, "The token names no issuer."),
        ({"exp": None}, "The token has no expiry (exp)."),
        ({"exp": NOW - 3600}, "The token has expired."),
        ({"exp": "soon"}, "The token is not a valid JWT."),
        ({"exp": 1e400}, "The token is not a valid JWT."),
        ({"nbf": NOW + 86_400}, "The token is not valid yet."),
        ({"iat": NOW + 86_400}, "The token is not valid yet."),
        ({"sub": None, "client_id": None}, "The token names neither a subject nor a client."),
        ({"sub": "a" * 501}, "The token has a subject or client that is no text of at most 500 characters."),
        ({"sub": "\ud800"}, "The token has a subject or client that is no text of at most 500 characters."),
        ({"client_id": "a" * 501}, "The token has a subject or client that is no text of at most 500 characters."),
        ({"cnf": {"jkt": "x"}}, "The token is bound to a key of its client, and this server takes bearer tokens only."),
        ({"typ": "ID"}, "The token is not an access token."),
        ({"token_use": "id"}, "The token is not an access token."),
    ],
)
async def test_a_token_with_wrong_claims_is_refused(published: FaultServer, more: dict[str, Any], says: str) -> None:
    assert await refusal(published, sign(**more)) == says


@pytest.mark.parametrize(("seconds", "is_accepted"), [(-30, True), (-90, False)])
async def test_clocks_may_differ_by_a_minute(published: FaultServer, seconds: int, is_accepted: bool) -> None:
    token = sign(exp=int(time.time()) + seconds)
    early = sign(nbf=int(time.time()) - seconds)
    if is_accepted:
        assert (await verify(published, token)).subject == (await verify(published, early)).subject == "ada"
    else:
        assert await refusal(published, token) == "The token has expired."
        assert await refusal(published, early) == "The token is not valid yet."


ALGORITHM = "The token is not signed with an algorithm that this server accepts."
SIGNATURE = "The signature of the token is wrong."
KEY = "The token is signed with a key that its issuer does not publish."
MALFORMED = "The token is not a valid JWT."


def hs256_with_the_public_key() -> str:
    """A token signed with what everyone can read, as if that were a shared secret."""
    unsigned = forge({"alg": "HS256", "kid": "rsa", "typ": "JWT"}, claims()).rpartition(".")[0]
    public = private_key("rsa").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signature = hmac.digest(public, unsigned.encode(), hashlib.sha256)
    return f"{unsigned}.{forge({}, {}, signature).rpartition('.')[2]}"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (hs256_with_the_public_key, ALGORITHM),
        (lambda: forge({"alg": "HS256", "kid": "secret"}, claims(), b"x"), ALGORITHM),
        (lambda: forge({"alg": "none"}, claims()), ALGORITHM),
        (lambda: forge({"alg": "None", "kid": "rsa"}, claims()), ALGORITHM),
        (lambda: forge({"alg": ["RS256"], "kid": "rsa"}, claims(), b"x"), ALGORITHM),
        (lambda: forge({"kid": "rsa"}, claims(), b"x"), ALGORITHM),
        (lambda: forge({"alg": "RS256", "kid": "rsa"}, claims(), b"x"), SIGNATURE),
        (lambda: forge({"alg": "RS256", "kid": "rsa"}, claims()), SIGNATURE),
        (lambda: forge({"alg": "ES256", "kid": "ec"}, claims(), b"\0" * 64), SIGNATURE),
        (lambda: forge({"alg": "ES256", "kid": "rsa"}, claims(), b"x"), KEY),
        (lambda: sign("rsa-ps", "RS256"), KEY),
        (lambda: sign("rsa-encryption"), KEY),
        (lambda: sign("rsa", header={"kid": "rsa-weak"}), KEY),
        (lambda: sign("rsa-other"), KEY),
        (lambda: sign("rsa-other", header={"kid": "rsa"}), SIGNATURE),
        (lambda: sign("rsa-other", header={"kid": "rsa", "jwk": jwk("rsa-other")}), SIGNATURE),
        (lambda: sign("rsa-other", header={"kid": "rsa", "jku": "https://evil.example/keys"}), SIGNATURE),
        (lambda: sign(header={"typ": "dpop+jwt"}), "The token is not an access token."),
        (lambda: sign(header={"typ": "logout+jwt"}), "The token is not an access token."),
        (lambda: sign(header={"crit": ["exp"], "exp": 1}), MALFORMED),
        (lambda: forge({"alg": "RS256", "kid": 7}, claims(), b"x"), MALFORMED),
        (lambda: forge(b"[" * 5000, claims(), b"x"), MALFORMED),
        (lambda: forge(b"[]", claims(), b"x"), MALFORMED),
        (lambda: "not.a.token", MALFORMED),
        (lambda: "a" * 40, MALFORMED),
        (lambda: "\u00e9.\u00e9.\u00e9", MALFORMED),
        (lambda: sign()[:-2] + "!!", MALFORMED),
        (lambda: sign(padding="x" * LONGEST), f"The token is longer than {LONGEST} characters."),
    ],
)
async def test_a_token_that_its_issuer_did_not_sign_is_refused(
    published: FaultServer, make: Callable[[], str], says: str
) -> None:
    assert await refusal(published, make()) == says


async def test_an_accepted_token_is_checked_again_after_a_minute_and_never_outlives_its_expiry() -> None:
    present = int(time.time())
    clock, now = Clock(), [float(present)]
    with FaultServer([http(200, {"keys": [jwk("rsa")]}), http(200, {"keys": [jwk("ec")]})]) as server:
        requests = Requests(lambda _: None)
        keys = SigningKeys(requests, ISSUER, server.url, clock=clock)
        tokens = SignedTokens(keys, ISSUER, [AUDIENCE], clock=clock, now=lambda: now[0])
        token, short = sign(exp=present + 300), sign(exp=present + 5)
        for _ in range(3):
            await tokens.verify(token)
            await tokens.verify(short)
        await keys.refresh()
        clock.now += RETRY_SECONDS
        await keys.refresh()  # the issuer has taken the key back
        await tokens.verify(token)
        now[0] += 66
        with pytest.raises(TokenRefusedError):
            await tokens.verify(short)
        clock.now += ACCEPTED_SECONDS
        with pytest.raises(TokenRefusedError, match="does not publish"):
            await tokens.verify(token)
        with pytest.raises(TokenRefusedError):
            await tokens.verify(token + "x")
        await requests.aclose()


@given(token=st.one_of(st.text(max_size=200), st.from_regex(r"[\w=-]{0,60}\.[\w=-]{0,60}\.[\w=-]{0,60}")))
@effort(150)
def test_no_text_is_taken_for_a_token_or_breaks_the_check(token: str) -> None:
    async def check() -> None:
        requests = Requests(lambda _: None)
        keys = SigningKeys(requests, ISSUER, "https://login.example/keys")
        keys._keys = (SigningKey("rsa", ("RS256",), private_key("rsa").public_key()),)
        keys._read_at = keys._tried_at = keys._clock()
        with pytest.raises(TokenRefusedError):
            await SignedTokens(keys, ISSUER, [AUDIENCE]).verify(token)

    anyio.run(check)


async def test_a_token_without_the_id_of_its_key_is_accepted_if_one_key_fits(published: FaultServer) -> None:
    assert (await verify(published, sign("ec", header={"kid": None}))).subject == "ada"
    assert await refusal(published, sign("rsa", "PS256", header={"kid": None})) == KEY
