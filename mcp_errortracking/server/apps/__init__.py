"""MCP Apps: HTML pages that a client, or the server's own page at `/`, shows for the result of a tool."""
