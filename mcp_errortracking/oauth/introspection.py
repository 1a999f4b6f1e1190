"""Introspection of tokens (RFC 7662), for an authorization server whose tokens are not JWTs.

An answer is kept for a minute at most: so long does a token still work after it was revoked.
"""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote_plus
from weakref import WeakValueDictionary

import anyio
import httpx
from pydantic import SecretStr

from mcp_errortracking.oauth.errors import IssuerError, TokenRefusedError
from mcp_errortracking.oauth.facts import LEEWAY, WRONG_AUDIENCE, TokenFacts, facts_of, is_for
from mcp_errortracking.oauth.requests import CONNECTIONS, SECONDS, Requests, describe
from mcp_errortracking.verdicts import Verdicts

logger = logging.getLogger(__name__)

UNKNOWN_AT_ONCE = CONNECTIONS // 2
"""Questions at once about tokens that were never good: anybody can send some. The rest is for those that were."""
GOOD_SECONDS, BAD_SECONDS = 60.0, 10.0
"""Times for which the answer for an accepted token is kept, and for a refused one."""
_LONGEST = 16 * 1024

_Verdict = TokenFacts | TokenRefusedError


class Introspection:
    """Asks the authorization server about each token, once for all requests that present it.

    Args:
        url: the introspection endpoint.
        client_id: this server's client there.
        clock: seconds that never go back. `now`: seconds since 1970.
    """

    def __init__(
        self,
        requests: Requests,
        url: str,
        *,
        issuer: str,
        audience: Sequence[str],
        client_id: str,
        client_secret: SecretStr,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._requests, self._url = requests, url
        self._issuer, self._audience = issuer, tuple(audience)
        self._client_id, self._client_secret = client_id, client_secret
        self._now = now
        self._verdicts = Verdicts[_Verdict](clock)
        self._locks = WeakValueDictionary[str, anyio.Lock]()
        self._turns = anyio.Semaphore(UNKNOWN_AT_ONCE)

    async def verify(self, token: str) -> TokenFacts:
        """Return the facts of a token.

        Raises:
            TokenRefusedError: it is not active, or not for this server.
            IssuerError: it cannot be checked now.
        """
        if len(token) > _LONGEST or not token.isascii():
            raise TokenRefusedError("The token is malformed.")
        digest = self._verdicts.digest(token)
        verdict = self._verdicts.get(digest)
        if verdict is None:
            lock = self._locks.setdefault(digest, anyio.Lock())
            async with lock:
                verdict = self._verdicts.get(digest) or await self._ask(token, digest)
        if isinstance(verdict, TokenRefusedError):
            raise TokenRefusedError(str(verdict))
        if verdict.expires_at is not None and self._now() >= verdict.expires_at:
            raise TokenRefusedError("The token has expired.")
        return verdict

    async def warm_up(self) -> None:
        """Do nothing: there is no answer to ask for without a token."""

    async def examine(self) -> str:
        """Return what the authorization server answers about a text that is not a token, for a check of the settings.

        Raises:
            IssuerError: it does not answer, or not to this client.
        """
        await self._request("not-a-token")
        return f"{self._url} answers to the client {self._client_id}"

    async def _ask(self, token: str, digest: str) -> _Verdict:
        try:
            if self._verdicts.was_good(digest):
                data = await self._request(token)
            else:
                data = await self._request_in_turn(token)
        except IssuerError as error:
            logger.warning("an OAuth token cannot be introspected: %s", error)
            raise
        try:
            facts = self._facts(data)
        except TokenRefusedError as refused:
            self._verdicts.add(digest, refused, BAD_SECONDS, is_good=False)
            return refused
        self._verdicts.add(digest, facts, GOOD_SECONDS, is_good=True)
        return facts

    async def _request_in_turn(self, token: str) -> dict[str, Any]:
        try:
            with anyio.fail_after(SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            raise IssuerError(f"more tokens are sent than {self._url} can be asked about") from None
        try:
            return await self._request(token)
        finally:
            self._turns.release()

    async def _request(self, token: str) -> dict[str, Any]:
        # RFC 6749, 2.3.1: both are encoded as in a form.
        secret = self._client_secret.get_secret_value()
        login = httpx.BasicAuth(quote_plus(self._client_id), quote_plus(secret))
        answer = await self._requests.post(self._url, {"token": token, "token_type_hint": "access_token"}, login)
        if answer.status in (400, 401, 403):
            raise IssuerError(
                f"{self._url} rejects this server's own client (status {answer.status}): check MCP_OAUTH_CLIENT_ID and "
                "MCP_OAUTH_CLIENT_SECRET, and that the client may introspect tokens"
            )
        if answer.status != 200:
            raise IssuerError(describe(answer.status, self._url))
        if not isinstance(answer.data.get("active"), bool):
            raise IssuerError(f"the answer of {self._url} does not say if the token is active")
        return answer.data

    def _facts(self, data: dict[str, Any]) -> TokenFacts:
        if data["active"] is not True:
            raise TokenRefusedError("The token is not active: it has expired, was revoked, or is of another server.")
        if data.get("iss", self._issuer) != self._issuer:
            raise TokenRefusedError("The token is of another issuer.")
        if not is_for(data.get("aud"), self._audience):
            raise TokenRefusedError(WRONG_AUDIENCE)
        if str(data.get("token_type", "Bearer")).lower() not in ("bearer", "access_token"):
            raise TokenRefusedError("The token is not a bearer token.")
        expiry = data.get("exp")
        whole = int(expiry) + LEEWAY if isinstance(expiry, int | float) and 0 <= expiry < 2**53 else None
        if expiry is not None and whole is None:
            raise TokenRefusedError("The token has no readable expiry (exp).")
        not_before = data.get("nbf") or 0
        if not isinstance(not_before, int | float) or not not_before <= self._now() + LEEWAY:
            raise TokenRefusedError("The token is not valid yet.")
        return facts_of(data, self._issuer, whole)
