"""What PostHog's error-tracking API offers, as data: one class per endpoint."""

from mcp_errortracking.catalog.catalog import ALIASES, CATALOG
from mcp_errortracking.catalog.endpoint import Endpoint, ListedBy, Outcome, Request, StepError
from mcp_errortracking.catalog.toolsets import TOOLSETS

__all__ = ["ALIASES", "CATALOG", "TOOLSETS", "Endpoint", "ListedBy", "Outcome", "Request", "StepError"]
