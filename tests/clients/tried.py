"""The clients that were run with an entry of `install`, on Linux: a column of docs/clients.md."""

RUN = {
    "amp": "0.0.1790142911: `amp mcp list` shows the entry; connecting needs an account",
    "claude-code": "2.1.197: its command writes the entry, `mcp get` and `mcp list` connect",
    "cline": "3.0.65: `cline mcp add --yes` writes the same entry",
    "codex": "0.171.0: its command writes and shows the entry, and comments in the file stay; it lists the tools and "
    "calls one (`codex app-server`)",
    "copilot-cli": "1.0.102: `copilot mcp get` shows the entry",
    "cursor": "not run; MCP Inspector 2.12.0 reads the file, starts the server and calls a tool",
    "droid": "0.215.0: `droid mcp list` connects",
    "gemini": "0.61.0: `mcp list` connects in a trusted folder",
    "opencode": "1.18.33: `mcp list` connects",
    "qwen": "0.24.4: `qwen mcp list` connects",
}
"""By client; the versions of .ci/node-clients and .ci/node-tools, and the proofs in test_installed.py."""

LINK = "A test decodes the link and compares it with the entry; it was not opened."
"""Said of clients with a link."""
