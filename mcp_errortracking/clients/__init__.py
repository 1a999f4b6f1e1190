"""MCP clients: the files and commands by which each learns of a server, and the links that install one."""
