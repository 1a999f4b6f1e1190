"""The table of docs/self-hosting.md: the tools that need a newer PostHog, by the time that PostHog added them."""

from mcp_errortracking.catalog import CATALOG

TIMES = (
    *("2026-03-26", "spring 2026", "2026-04-07", "2026-04-22", "mid 2026"),
    *("about August 2026", "2026-08-20", "September 2026", "2026-09-11"),
)
"""The times of all declarations, oldest first."""


def table() -> str:
    """Return the table.

    Raises:
        ValueError: a declaration has a time that is not in `TIMES`.
    """
    tools: dict[str, list[str]] = {time: [] for time in TIMES}
    for name, endpoint in CATALOG.items():
        if endpoint.since is None:
            continue
        if endpoint.since not in tools:
            raise ValueError(f"{name} is in PostHog since {endpoint.since!r}: add it to TIMES")
        tools[endpoint.since].append(f"[{name}](tools.md#{name})")
    every = sum(endpoint.since is None for endpoint in CATALOG.values())
    rows = [f"| {time} | {', '.join(names)} |" for time, names in tools.items() if names]
    return "\n".join(["| since | tools |", "| --- | --- |", f"| 2025 or before | the other {every} |", *rows])
