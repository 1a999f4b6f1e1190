"""Access tokens of an authorization server: signed ones (JWT) and others (introspection). Knows no MCP and no app."""
