"""What can go wrong between us and PostHog.

PostHogError
├── NotConfiguredError    there is no API key; nothing was sent
├── HeldBackError         the key's limits are used up for longer than the call may take; it was not sent
├── UnreachableError      no connection to the host, so nothing arrived: name, port, TLS, proxy
├── InterruptedCallError  the connection broke or timed out after the request had begun to leave
├── UnreadableError       an answer that is none of PostHog's API: a web page, broken JSON, too large
├── RedirectedError       an answer that points to another address; the key is never sent there
└── RefusedError          an answer of PostHog's that is not 2xx
    ├── UnauthorizedError     401: the key is unknown to this host
    ├── ForbiddenError        403: the key, its user or its organization may not do this
    ├── NotFoundError         404: no such object, project or endpoint
    ├── InvalidError          other 4xx: PostHog does not accept the request as it is
    ├── RateLimitedError      429: too many requests with this key
    ├── ServerFailureError    5xx: PostHog, or a gateway before it, failed
    └── RefusedBeforeError    4xx of what stands before PostHog: a proxy, a firewall, a login
"""


class PostHogError(Exception):
    """A call that did not succeed, explained for whoever has to act on it.

    `what` happened, `why`, and the `next_step` are a sentence or two each. `code` is PostHog's error code, or a finer
    reason where its code says too little (`missing_scope`, `endpoint_not_found`, ...). `detail` is PostHog's own text.
    `retry_after` is in seconds. `maybe_applied`: a write that may or may not have been applied. `attempts`: how often
    the request was sent.
    """

    def __init__(
        self,
        what: str,
        why: str = "",
        next_step: str = "",
        *,
        status: int | None = None,
        code: str | None = None,
        attr: str | None = None,
        detail: str | None = None,
        retry_after: float | None = None,
        maybe_applied: bool = False,
    ) -> None:
        super().__init__(" ".join(part for part in (what, why, next_step) if part))
        self.what = what
        self.why = why
        self.next_step = next_step
        self.status = status
        self.code = code
        self.attr = attr
        self.detail = detail
        self.retry_after = retry_after
        self.maybe_applied = maybe_applied
        self.attempts = 0


class NotConfiguredError(PostHogError):
    """There is no API key; nothing was sent."""


class HeldBackError(PostHogError):
    """The limits of the key are used up for longer than the call may take, so it was not sent."""


class UnreachableError(PostHogError):
    """No connection to the host could be made, so nothing arrived."""


class InterruptedCallError(PostHogError):
    """The connection broke, or took too long, after the request had begun to leave."""


class UnreadableError(PostHogError):
    """The answer is none of PostHog's API."""


class RedirectedError(PostHogError):
    """The host points to another address; the key is never sent there."""


class RefusedError(PostHogError):
    """PostHog answered with something other than 2xx."""


class UnauthorizedError(RefusedError):
    """401: the key is unknown to this host."""


class ForbiddenError(RefusedError):
    """403: the key, its user or its organization may not do this."""


class NotFoundError(RefusedError):
    """404: there is no such object, project or endpoint."""


class InvalidError(RefusedError):
    """Another 4xx: PostHog does not accept the request as it is."""


class RateLimitedError(RefusedError):
    """429: too many requests with this key."""


class ServerFailureError(RefusedError):
    """5xx: PostHog, or a gateway before it, failed."""


class RefusedBeforeError(RefusedError):
    """4xx of what stands before PostHog, a proxy, a firewall or a login: nothing arrived at PostHog."""
