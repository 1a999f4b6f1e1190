"""The way to PostHog, put together from the settings."""

from mcp_errortracking.config import PostHogSettings
from mcp_errortracking.proxy import Proxy
from mcp_errortracking.proxy.rate_limit.limiter import Pacer


def proxy_for(settings: PostHogSettings) -> Proxy:
    """The proxy that the settings describe."""
    return Proxy(
        host=settings.host,
        key=settings.key,
        project=settings.project,
        http_proxy=settings.http_proxy,
        pacer=Pacer(settings.host, settings.rate_limited),
    )
