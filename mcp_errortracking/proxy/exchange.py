"""The facts about a request that its errors name."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Exchange:
    """The facts about a request that explain its answer.

    `writes`: the request may change something. `http_proxy`: its forward proxy, without user name and password.
    """

    host: str
    project: str
    writes: bool
    http_proxy: str | None = None

    @property
    def proxy_variable(self) -> str:
        """The environment variable that sets the forward proxy of this host."""
        return "HTTPS_PROXY" if self.host.startswith("https:") else "HTTP_PROXY"
