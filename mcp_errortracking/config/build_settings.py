"""Xcode's build settings, which its scripts get as environment variables."""

import os
from collections.abc import Mapping

_SECRET = ("POSTHOG_", "MCP_")


def xcode_settings(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables that an Info.plist may name. Those of this server, such as its key, are not among them."""
    environ = os.environ if environ is None else environ
    return {name: value for name, value in environ.items() if not name.upper().startswith(_SECRET)}
