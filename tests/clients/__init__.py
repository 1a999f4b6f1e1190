"""Programs of others that speak MCP: clients of another ecosystem, the Inspector, the conformance suite."""
