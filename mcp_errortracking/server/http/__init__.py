"""MCP over HTTP: streamable HTTP and SSE in one ASGI app."""
