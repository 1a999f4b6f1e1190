"""A secret and a memory that the replicas of a server share for one key, where a store for them is configured.

The secret is made of the key, so that nothing has to be configured, and is never sent, stored or shown. The names in
the store hold a hash of host and key, from which the secret cannot be made.
"""

import hmac

from pydantic import SecretStr

from mcp_errortracking.posthog_keys import digest_of
from mcp_errortracking.proxy.rate_limit.store import Store

_FIRST = """
if redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[1]) then return {1, 0} end
return {0, 0}
"""


class Replicas:
    """The replicas that send with one key to one host."""

    def __init__(self, store: Store, host: str, key: SecretStr) -> None:
        self._store, self._host, self._key = store, host, key

    def secret(self, purpose: str) -> bytes:
        """Return a secret that all replicas know, one for each purpose."""
        text = f"mcp_errortracking\0{purpose}\0{self._host}"
        return hmac.digest(self._key.get_secret_value().encode(), text.encode(), "sha256")

    async def is_first(self, name: str, seconds: float) -> bool | None:
        """True if no replica has used a name in so many seconds; None if the store is away."""
        place = f"mcp-errortracking:{{{digest_of(self._host, self._key.get_secret_value())}}}:used:{name}"
        answer = await self._store.evaluate(_FIRST, [place], [max(1, round(seconds * 1000))])
        return None if answer is None else answer[0] == 1
