"""The HTTP layer to PostHog for every endpoint: address, key, rate limits, retries, errors. It knows nothing of MCP."""

from mcp_errortracking.proxy.call import Answer
from mcp_errortracking.proxy.client import Proxy
from mcp_errortracking.proxy.limits import Limits

__all__ = ["Answer", "Limits", "Proxy"]
