"""How a setting is read: the parts that all of them share."""

import math
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import SecretStr


class ConfigError(Exception):
    """A setting is wrong; the text says which, and what to do."""


def value(environ: Mapping[str, str], *names: str) -> str | None:
    """The first of the variables that is set; blank ones and placeholders nobody filled in count as not set."""
    for name in names:
        value = environ.get(name, "").strip()
        if value and not re.fullmatch(r"\$\{[^}]*\}", value):
            return value
    return None


def secret(key: str) -> "SecretStr":
    from pydantic import SecretStr  # imported with the first key: --help and the like need no pydantic

    return SecretStr(key)


def one_of(text: str, *choices: str) -> str:
    if text.lower() not in choices:
        raise ValueError(f"must be one of: {', '.join(choices)}")
    return text.lower()


def several(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def switch(text: str) -> bool:
    if text.lower() not in ("1", "true", "yes", "on", "0", "false", "no", "off"):
        raise ValueError("must be 1 or 0")
    return text.lower() in ("1", "true", "yes", "on")


def number(text: str, least: int, most: int) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        raise ValueError(f"must be a number from {least} to {most}")
    return value


def from_variables(
    variables: Mapping[str, tuple[str, Callable[[str], Any]]], given: Mapping[str, Any], environ: Mapping[str, str]
) -> dict[str, Any]:
    """Each setting as it is given, else as its variable reads; None or empty counts as not given.

    Args:
        variables: by setting, the variable and how its text is read.

    Raises:
        ConfigError: a variable's text cannot be read.
    """
    chosen = {name: one for name, one in given.items() if one}
    for name, (variable, read) in variables.items():
        text = value(environ, variable)
        if name in chosen or text is None:
            continue
        try:
            chosen[name] = read(text)
        except ValueError as error:
            raise ConfigError(f"{variable} {error}") from None
    return chosen
