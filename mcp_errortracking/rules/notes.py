"""Findings as notes on a call that creates or changes a rule."""

from typing import Any

from mcp_errortracking.rules.lint import lint

_MOST = 6


def notes(filters: Any, kind: str | None = None, *, sampling_rate: float | None = None) -> list[str]:
    """Return a note for each finding, the worst first; of very many, only the first."""
    found = lint(filters, kind, sampling_rate=sampling_rate)
    shown = [str(finding) for finding in found[:_MOST]]
    return [*shown, f"{len(found) - _MOST} more findings about these filters."] if len(found) > _MOST else shown
