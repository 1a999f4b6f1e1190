"""A tour of the tools: an MCP client at work, over stdio, against the sandbox."""
