"""Readers of settings: each turns the text of an option or a variable into a value.

A reader raises ValueError with the rest of a sentence that begins with the setting's name: "must be 1 or 0, not '2'".
Its `allowed`, where it has one, completes "must be ..." in messages, help and docs.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from mcp_errortracking.posthog_keys import looks_like_key

if TYPE_CHECKING:
    from pydantic import SecretStr

_SHOWN = 16
"""Length from which a message does not repeat a text: it may be a secret in the wrong place."""


class ConfigError(Exception):
    """A setting is wrong. The message names it, the reason and the next step."""


def value(environ: Mapping[str, str], *names: str) -> str | None:
    """Return the first of the variables that is set. Blank ones and unfilled placeholders count as not set."""
    for name in names:
        value = environ.get(name, "").strip()
        if value and not re.fullmatch(r"\$\{[^}]*\}", value):
            return value
    return None


class Secret:
    """A key that no text of an object shows. It is used in place of `SecretStr` before pydantic is imported."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def get_secret_value(self) -> str:
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret('**********')"


def secret(key: str) -> "SecretStr":
    from pydantic import SecretStr  # imported with the first token: --help and the like need no pydantic

    return SecretStr(key)


class Choice:
    """One of some words, in any case."""

    def __init__(self, *choices: str) -> None:
        self.choices = choices
        self.allowed = f"one of: {', '.join(choices)}"

    def __call__(self, text: str) -> str:
        if text.lower() not in self.choices:
            raise mismatch(self.allowed, text)
        return text.lower()


class Number:
    """A number within bounds. `off` is the value of "0" and "off", for a limit that may be switched off."""

    def __init__(self, least: int, most: int, *, whole: bool = False, off: int | None = None) -> None:
        self._least, self._most, self._off = least, most, off
        self._parse = int if whole else float
        self.bounds = f"{least} to {most}{'' if off is None else ', or off'}"
        self.allowed = f"a {'whole ' if whole else ''}number from {self.bounds}"

    def __call__(self, text: str) -> float:
        if self._off is not None and text.lower() in ("0", "off"):
            return self._off
        try:
            number = self._parse(text)
        except ValueError:
            raise mismatch(self.allowed, text) from None
        if not self._least <= number <= self._most:
            raise mismatch(self.allowed, text)
        return number


class Switch:
    """A setting that is on or off."""

    allowed = "1 or 0"

    def __call__(self, text: str) -> bool:
        if text.lower() not in ("1", "true", "yes", "on", "0", "false", "no", "off"):
            raise mismatch(self.allowed, text)
        return text.lower() in ("1", "true", "yes", "on")


def read_names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def read_path(text: str) -> Path:
    if not text.strip():
        raise ValueError("is empty: give a path, or set the variable that it comes from")
    if looks_like_key(text):
        raise ValueError("holds a key where a path belongs")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ValueError("begins with ~, but the home folder of that user is unknown: write the whole path") from None


def read_journal(text: str) -> "Path | Literal['off']":
    """Read the path of a file, or "off" for none."""
    return "off" if text.strip().lower() == "off" else read_path(text)


def read_folder(text: str) -> tuple[Path, ...]:
    """Read one folder, or "off" for none."""
    return () if text.lower() == "off" else (read_path(text),)


def read_folders(text: str) -> tuple[Path, ...]:
    """Read folders separated as in PATH."""
    return tuple(folder for part in text.split(os.pathsep) if part for folder in read_folder(part))


def read_store(text: str) -> "SecretStr":
    """Read the address of a Redis or Valkey server. It may hold a password, so no message repeats it."""
    example = "redis://localhost:6379/0"
    text = re.sub("^valkey(s?)://", r"redis\1://", text.strip())
    try:
        parts = urlsplit(text)
        is_whole = bool(parts.path if parts.scheme == "unix" else parts.hostname) and parts.port != 0
    except ValueError:
        raise ValueError(f"is not a valid address: give one like {example}") from None
    if parts.scheme not in ("redis", "rediss", "unix"):
        raise ValueError(f"must begin with redis://, rediss:// (TLS) or unix://, like {example}")
    if not is_whole:
        raise ValueError(f"names no server: give an address like {example}")
    return secret(text)


def mismatch(allowed: str, text: str) -> ValueError:
    """Return the error for a text that is not among the allowed values."""
    is_shown = len(text) < _SHOWN and not looks_like_key(text)
    return ValueError(f"must be {allowed}{f', not {text!r}' if is_shown else ''}")
