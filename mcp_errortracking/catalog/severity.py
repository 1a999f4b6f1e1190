"""The severity of an issue (contract 6.5)."""

from typing import Annotated, Literal

from pydantic import Field

from mcp_errortracking.catalog.meanings import SEVERITIES, Means

Severity = Annotated[Literal["low", "medium", "high", "critical"], Field(examples=["high"]), Means(SEVERITIES)]
