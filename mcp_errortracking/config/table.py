"""The table of all settings, and the check for misspelled variables."""

import logging
import os
from collections.abc import Mapping
from typing import Any

from mcp_errortracking.config.log import LogSettings
from mcp_errortracking.config.oauth import OAuthSettings
from mcp_errortracking.config.posthog import CLI_VARIABLES, PostHogSettings
from mcp_errortracking.config.selection import ToolSelection
from mcp_errortracking.config.serving import HttpSettings, ListenSettings
from mcp_errortracking.config.settings import Setting, settings_of

logger = logging.getLogger(__name__)

GROUPS: dict[str, type[Any]] = {
    "PostHog": PostHogSettings,
    "Tools": ToolSelection,
    "Transport": ListenSettings,
    "HTTP": HttpSettings,
    "OAuth": OAuthSettings,
    "Logs": LogSettings,
}
SETTINGS: tuple[Setting, ...] = tuple(one for group in GROUPS.values() for one in settings_of(group))
_OWN = [one.variable for one in SETTINGS if one.variable]
VARIABLES = (*_OWN, *CLI_VARIABLES)
"""Every variable that is read. No other module of the package reads the environment."""

_LIKENESS = 0.88
"""The least likeness of a misspelled name; variables of other programs with these prefixes are less alike."""
_MOST_WARNINGS = 5
_MOST_NAMES = 200
_LONGEST_NAME = 40


def warn_of_misspelled_variables(environ: Mapping[str, str] | None = None) -> None:
    """Log a warning for each variable whose name is close to that of a setting, without its value."""
    environ = os.environ if environ is None else environ
    unknown = sorted(
        name
        for name in environ
        if name.startswith(("MCP_", "POSTHOG_"))
        and not name.startswith("POSTHOG_CLI_")
        and name not in _OWN
        and len(name) <= _LONGEST_NAME
    )
    if not unknown:
        return
    from difflib import get_close_matches  # only needed here

    near = ((name, get_close_matches(name, _OWN, n=1, cutoff=_LIKENESS)) for name in unknown[:_MOST_NAMES])
    for name, match in [(name, matches[0]) for name, matches in near if matches][:_MOST_WARNINGS]:
        logger.warning("%s is not a setting and is ignored; did you mean %s?", name, match)
