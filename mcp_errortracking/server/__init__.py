"""The MCP server: the catalog as tools, over stdio, streamable HTTP and SSE."""
