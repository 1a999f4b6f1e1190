"""The settings of the log."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mcp_errortracking.config.settings import collect_values, setting
from mcp_errortracking.config.values import Choice


@dataclass(frozen=True, slots=True)
class LogSettings:
    """The log on stderr."""

    log_level: str = setting(
        "info",
        option="--log-level",
        variable="MCP_LOG_LEVEL",
        read=Choice("debug", "info", "warning", "error"),
        help="how much to log on stderr",
    )
    log_format: Literal["text", "json"] = setting(
        "text",
        option="--log-format",
        variable="MCP_LOG_FORMAT",
        read=Choice("text", "json"),
        help="format of the log lines",
    )


def load_log(environ: Mapping[str, str] | None = None, **given: Any) -> LogSettings:
    """Return the settings of the log that options (`given`, by field) and variables make.

    Raises:
        ConfigError: a value is wrong.
    """
    return LogSettings(**collect_values(LogSettings, given, os.environ if environ is None else environ))
