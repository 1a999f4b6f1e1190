"""The release of an Apple app, from its Info.plist: identifier, version and build number."""

import plistlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from xml.parsers.expat import ExpatError

from mcp_errortracking.config import ConfigError

LARGEST = 1024 * 1024
"""Bytes of an Info.plist; real ones have some kilobytes."""
_SETTING = re.compile(r"\$(?:\((\w+)\)|\{(\w+)\})", re.ASCII)
_OF_DSYM = "com.apple.xcode.dsym."
"""Xcode puts this before the identifier in the Info.plist of a dSYM bundle; the app does not send it."""
_BROKEN = (ValueError, ExpatError, AttributeError, TypeError, LookupError, RecursionError)


@dataclass(frozen=True, slots=True)
class AppRelease:
    """The release of an app; None for what the file does not name."""

    identifier: str | None
    version: str | None
    build: str | None

    def full_version(self) -> str | None:
        """Return the version as PostHog's command line names it: `1.4.2+57`; so may `version` alone."""
        if self.version and self.build and self.version.endswith(f"+{self.build}"):
            return self.version
        return "+".join(part for part in (self.version, self.build) if part) or None


def read_info_plist(path: Path, environment: Mapping[str, str]) -> AppRelease:
    """Read an Info.plist, as XML or binary.

    Args:
        environment: Xcode's build settings, which a value may name as `$(MARKETING_VERSION)`.

    Raises:
        ConfigError: it cannot be read, or is not a property list.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise ConfigError(f"--info-plist {path} cannot be read: {error.strerror}.") from None
    if len(content) > LARGEST:
        raise ConfigError(f"--info-plist {path} has more than {LARGEST >> 20} MiB: name the Info.plist of the app.")
    try:
        found: Any = plistlib.loads(content)  # refuses declarations of XML entities
    except _BROKEN:
        found = None
    if not isinstance(found, dict):
        raise ConfigError(f"--info-plist {path} is not a property list: name the Info.plist of the app.")
    values = cast("dict[str, Any]", found)
    identifier = _value(values, "CFBundleIdentifier", "PRODUCT_BUNDLE_IDENTIFIER", environment)
    return AppRelease(
        identifier and identifier.removeprefix(_OF_DSYM),
        _value(values, "CFBundleShortVersionString", "MARKETING_VERSION", environment),
        _value(values, "CFBundleVersion", "CURRENT_PROJECT_VERSION", environment),
    )


def _value(values: Mapping[str, Any], key: str, setting: str, environment: Mapping[str, str]) -> str | None:
    """Return a text of the file, or the build setting that it names; else that of Xcode's own name."""
    value = values.get(key)
    named = _SETTING.fullmatch(value) if isinstance(value, str) else None
    if named:
        value = environment.get(named[1] or named[2])
    return _literal(value) or _literal(environment.get(setting))


def _literal(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() and not re.search(r"\$[({]", value) else None
