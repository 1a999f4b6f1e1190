"""The clients that were run with an entry of `install`, on Linux: a column of docs/clients.md."""

RUN = {
    "claude-code": "2.1.197: its command writes the entry, `mcp get` and `mcp list` connect",
    "codex": "0.171.0: its command writes and shows the entry; comments in the file stay",
    "gemini": "0.61.0: `mcp list` connects in a trusted folder",
    "opencode": "1.18.33: `mcp list` connects",
    "cursor": "not run; MCP Inspector 2.12.0 reads the file, starts the server and calls a tool",
}
"""By client; the versions of .ci/node-clients and .ci/node-tools, and the proofs in test_installed.py."""

LINKS = "the link is decoded by a test; it was not opened"
"""Said of clients with a link."""
