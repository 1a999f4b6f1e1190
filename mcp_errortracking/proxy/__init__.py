"""How a call reaches PostHog: one HTTP layer for every endpoint, which knows no MCP."""

from mcp_errortracking.proxy.client import Answer, Proxy
from mcp_errortracking.proxy.limits import Limits

__all__ = ["Answer", "Limits", "Proxy"]
