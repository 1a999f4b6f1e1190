"""The clients tried over each transport in each era of the protocol: the table in docs/deploy.md."""

LEGACY, MODERN = "2025-11-25", "2026-07-28"
PYTHON = "mcp 2 (Python SDK)"
TYPESCRIPT_1 = "@modelcontextprotocol/sdk 1 (TypeScript)"
TYPESCRIPT_2 = "@modelcontextprotocol/client 2 (TypeScript)"
INSPECTOR = "MCP Inspector 2, command line"
SUITE = "conformance suite 0.2"
TRANSPORTS = ("stdio", "http", "sse")

TRIED: dict[tuple[str, str], tuple[str, ...]] = {
    (PYTHON, "stdio"): (LEGACY, MODERN),
    (PYTHON, "http"): (LEGACY, MODERN),
    (PYTHON, "sse"): (LEGACY, MODERN),
    (TYPESCRIPT_1, "stdio"): (LEGACY,),
    (TYPESCRIPT_1, "http"): (LEGACY,),
    (TYPESCRIPT_1, "sse"): (LEGACY,),
    (TYPESCRIPT_2, "stdio"): (LEGACY, MODERN),
    (TYPESCRIPT_2, "http"): (LEGACY, MODERN),
    (TYPESCRIPT_2, "sse"): (LEGACY,),
    (INSPECTOR, "stdio"): (LEGACY, MODERN),
    (INSPECTOR, "http"): (LEGACY, MODERN),
    (INSPECTOR, "sse"): (LEGACY,),
    (SUITE, "http"): (LEGACY, MODERN),
}
"""The eras by client and transport. The suite has no other transport than HTTP."""


def combinations(*clients: str) -> list[tuple[str, str, str]]:
    """Client, transport and era, one for each test to run."""
    return [
        (client, transport, era) for (client, transport), eras in TRIED.items() for era in eras if client in clients
    ]


def table() -> str:
    """The table as Markdown."""
    lines = [f"| client | {' | '.join(TRANSPORTS)} |", "| --- | --- | --- | --- |"]
    for client in dict.fromkeys(client for client, _ in TRIED):
        cells = [", ".join(TRIED.get((client, transport), ())) or "-" for transport in TRANSPORTS]
        lines.append(f"| {client} | {' | '.join(cells)} |")
    return "\n".join(lines)
