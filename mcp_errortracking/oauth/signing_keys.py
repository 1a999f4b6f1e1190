"""The signing keys of an issuer (JWKS), found by its metadata, and requested again when they rotate."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import anyio
import jwt

from mcp_errortracking.oauth.errors import IssuerError
from mcp_errortracking.oauth.requests import Requests, describe, is_safe

logger = logging.getLogger(__name__)

REFRESH_SECONDS = 3600.0
"""Age from which keys are requested again; those at hand are used meanwhile."""
MOST_AGE = 24 * 3600.0
"""Age up to which keys are used while the issuer cannot be reached."""
RETRY_SECONDS = 10.0
"""Least time between two requests, however many tokens name an unknown key."""
_MOST_KEYS = 100
_LEAST_RSA_BITS = 2048

_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_BY_CURVE = {"P-256": ("ES256",), "P-384": ("ES384",), "P-521": ("ES512",), "Ed25519": ("EdDSA",)}
ALGORITHMS = frozenset([*_RSA, *(name for names in _BY_CURVE.values() for name in names)])
"""The algorithms of accepted signatures. All have a public key: no token can be signed with what everyone can read."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key, and the algorithms that it may verify."""

    id: str | None
    algorithms: tuple[str, ...]
    key: Any


class SigningKeys:
    """The signing keys of one issuer.

    Args:
        jwks: the address of the keys; None: the issuer's metadata names it.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        requests: Requests,
        issuer: str,
        jwks: str | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._requests = requests
        self._issuer = issuer
        self._jwks = jwks
        self._clock = clock
        self._keys: tuple[SigningKey, ...] = ()
        self._read_at = self._tried_at = float("-inf")
        self._problem: IssuerError | None = None
        self._lock = anyio.Lock()

    async def find(self, key_id: str | None, algorithm: str) -> SigningKey | None:
        """Return the key for a token's header; None if the issuer has no such key.

        A token without the id of its key is accepted if only one key fits.

        Raises:
            IssuerError: the keys are not known, or may have changed, and the issuer does not answer.
        """
        age = self._clock() - self._read_at
        key = self._match(key_id, algorithm) if age < MOST_AGE else None
        if key is not None and (age < REFRESH_SECONDS or self._lock.locked()):
            return key
        await self.refresh()
        if self._clock() - self._read_at < MOST_AGE and (key := self._match(key_id, algorithm)):
            return key
        if self._problem is not None:
            raise self._problem
        return None

    async def refresh(self) -> None:
        """Request the keys, unless they were requested a moment ago; log the reason if they cannot be had."""
        async with self._lock:
            if self._clock() - self._tried_at < RETRY_SECONDS:
                return
            before, self._tried_at = self._tried_at, self._clock()
            try:
                self._keys = await self._read()
            except IssuerError as error:
                self._problem = error
                logger.warning("the signing keys of the OAuth issuer cannot be read: %s", error)
                return
            except BaseException:  # the caller left: the next one asks
                self._tried_at = before
                raise
            if self._problem is not None:
                logger.warning("the signing keys of the OAuth issuer can be read again")
            self._problem, self._read_at = None, self._clock()

    async def count(self) -> int:
        """Request the keys, and return how many can be used.

        Raises:
            IssuerError: they cannot be had.
        """
        return len(await self._read())

    def _match(self, key_id: str | None, algorithm: str) -> SigningKey | None:
        fitting = [key for key in self._keys if algorithm in key.algorithms and key_id in (None, key.id)]
        return fitting[0] if len(fitting) == 1 or (fitting and key_id is not None) else None

    async def _read(self) -> tuple[SigningKey, ...]:
        url = self._jwks or await self._discover()
        answer = await self._requests.get(url)
        if answer.status != 200:
            raise IssuerError(describe(answer.status, url))
        listed = answer.data.get("keys")
        if not isinstance(listed, list):
            raise IssuerError(f"the answer of {url} is not a set of keys")
        found = [_signing_key(key) for key in cast("list[Any]", listed)[:_MOST_KEYS]]
        keys = tuple(key for key in found if key is not None)
        if not keys:
            raise IssuerError(f"the answer of {url} has no public key for signatures (RSA of 2048 bits, EC, Ed25519)")
        return keys

    async def _discover(self) -> str:
        """Return the address of the keys in the issuer's metadata (OpenID Connect Discovery, RFC 8414)."""
        parts = urlsplit(self._issuer)
        origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
        wrong = ""
        for url in (
            f"{origin}{path}/.well-known/openid-configuration",
            f"{origin}/.well-known/oauth-authorization-server{path}",
        ):
            answer = await self._requests.get(url)
            if answer.status != 200:
                wrong = wrong or describe(answer.status, url)
                continue
            if (named := answer.data.get("issuer")) != self._issuer:
                raise IssuerError(
                    f"{url} is of the issuer {str(named)[:200]!r}, and MCP_OAUTH_ISSUER is {self._issuer!r}"
                )
            if not is_safe(jwks := answer.data.get("jwks_uri")):
                raise IssuerError(f"{url} names no jwks_uri with https://")
            return jwks
        raise IssuerError(wrong)


def _signing_key(data: object) -> SigningKey | None:
    """Return a key of the set; None if it cannot verify a token's signature."""
    if not isinstance(data, dict):
        return None
    named = cast("Mapping[str, Any]", data)
    kind, curve, use = named.get("kty"), named.get("crv"), named.get("use", "sig")
    fitting = _RSA if kind == "RSA" else _BY_CURVE.get(str(curve), ()) if kind in ("EC", "OKP") else ()
    if "alg" in named:
        fitting = tuple(name for name in fitting if name == named["alg"])
    key_id = named.get("kid")
    if use != "sig" or not fitting or not isinstance(key_id, str | None):
        return None
    try:
        key: Any = jwt.PyJWK.from_dict(dict(named), fitting[0]).key
    except (jwt.PyJWTError, ValueError, TypeError):
        logger.debug("a key of the OAuth issuer cannot be read")
        return None
    if hasattr(key, "private_numbers") or hasattr(key, "private_bytes"):
        key = key.public_key()
    if kind == "RSA" and key.key_size < _LEAST_RSA_BITS:
        logger.warning("an RSA key of the OAuth issuer has less than %d bits and is not used", _LEAST_RSA_BITS)
        return None
    return SigningKey(key_id, fitting, key)
