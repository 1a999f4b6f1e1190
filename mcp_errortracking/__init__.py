"""MCP server for PostHog error tracking. The public API is `asgi` (`create_app`, `OAuth`); all else may change."""

__version__ = "0.1.0"
