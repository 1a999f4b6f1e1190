"""PostHog's error-tracking API as data: one class per endpoint."""

from mcp_errortracking.catalog.catalog import ALIASES, CATALOG
from mcp_errortracking.catalog.declaration import AtMost, Declaration, Formatted, ListedBy
from mcp_errortracking.catalog.endpoint import Endpoint, Outcome, Request, StepError
from mcp_errortracking.catalog.toolsets import TOOLSETS

__all__ = [
    "ALIASES",
    "CATALOG",
    "TOOLSETS",
    "AtMost",
    "Declaration",
    "Endpoint",
    "Formatted",
    "ListedBy",
    "Outcome",
    "Request",
    "StepError",
]
