"""Every setting, read once, in one place."""

from mcp_errortracking.config.offer import Offer, load_offer
from mcp_errortracking.config.posthog import DEFAULT_HOST, DEFAULT_PROJECT, LOOPBACK, Settings, for_sandbox, load
from mcp_errortracking.config.serving import Serving, load_serving
from mcp_errortracking.config.values import ConfigError

__all__ = [
    "DEFAULT_HOST",
    "DEFAULT_PROJECT",
    "LOOPBACK",
    "ConfigError",
    "Offer",
    "Serving",
    "Settings",
    "for_sandbox",
    "load",
    "load_offer",
    "load_serving",
]
