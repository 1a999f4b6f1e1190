"""How an agent reaches us: the catalog as MCP tools, over stdio."""
