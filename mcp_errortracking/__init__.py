"""MCP server for PostHog error tracking."""

__version__ = "0.1.0"
