"""The errors of a call to PostHog.

PostHogError
├── NotConfiguredError    no API key is configured; nothing was sent
├── RateLimitWaitError    the key's limits are used up for longer than the call may take; nothing was sent
├── UnreachableError      no connection to the host, so nothing arrived: name, port, TLS, proxy
├── InterruptedCallError  the connection broke or timed out after the request had begun to leave
├── UnreadableError       the answer is not one of PostHog's API: a web page, broken JSON, too large
├── RedirectedError       the answer points to another address; the key is never sent there
├── LoginError            the sign-in by a device code is not offered, or ended without a key
└── RefusedError          PostHog answered with a status other than 2xx
    ├── UnauthorizedError     401: the key is unknown to this host
    ├── ForbiddenError        403: the key, its user or its organization may not do this
    ├── NotFoundError         404: no such object, project or endpoint
    ├── InvalidError          other 4xx: PostHog does not accept the request as it is
    ├── RateLimitedError      429: too many requests with this key
    ├── ServerFailureError    5xx: PostHog, or a gateway before it, failed
    └── RefusedBeforeError    4xx of a proxy, firewall or login before PostHog
"""

from mcp_errortracking.explanation import ExplainedError, Explanation


class PostHogError(ExplainedError):
    """A call did not succeed; the error explains it to the agent or user.

    `what` happened, `why`, and the `next_step` are a sentence or two each. `code` is PostHog's error code, or a finer
    reason where its code says too little (`missing_scope`, `endpoint_not_found`, ...). `detail` is PostHog's own text.
    `retry_after` is in seconds. `maybe_applied`: the write may or may not have been applied. `attempts`: the number of
    times that the request was sent.
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
        super().__init__(Explanation(code or "", what, why, next_step))
        self.status = status
        self.attr = attr
        self.detail = detail
        self.retry_after = retry_after
        self.maybe_applied = maybe_applied
        self.attempts = 0


class NotConfiguredError(PostHogError):
    """No API key is configured; nothing was sent."""


class RateLimitWaitError(PostHogError):
    """The rate limits of the key are used up for longer than the call may take; nothing was sent."""


class UnreachableError(PostHogError):
    """No connection to the host could be made, so nothing arrived."""


class InterruptedCallError(PostHogError):
    """The connection broke, or took too long, after the request had begun to leave."""


class UnreadableError(PostHogError):
    """The answer is not one of PostHog's API: a web page, broken JSON, or too large."""


class RedirectedError(PostHogError):
    """The host points to another address; the key is never sent there."""


class LoginError(PostHogError):
    """The sign-in by a device code is not offered, or ended without a key. `code` names the case."""


class RefusedError(PostHogError):
    """PostHog answered with a status other than 2xx."""


class UnauthorizedError(RefusedError):
    """401: the key is unknown to this host."""


class ForbiddenError(RefusedError):
    """403: the key, its user or its organization may not do this."""


class NotFoundError(RefusedError):
    """404: no such object, project or endpoint."""


class InvalidError(RefusedError):
    """Another 4xx: PostHog does not accept the request as it is."""


class RateLimitedError(RefusedError):
    """429: too many requests with this key."""


class ServerFailureError(RefusedError):
    """5xx: PostHog, or a gateway before it, failed."""


class RefusedBeforeError(RefusedError):
    """4xx of a proxy, firewall or login before PostHog: nothing arrived at PostHog."""
