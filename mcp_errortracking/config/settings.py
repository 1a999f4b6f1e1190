"""The declaration of a setting. It is the only place that knows its variable, option, reader, default and help.

A group of settings is a dataclass, and each of its fields is declared with `setting`. The command line, the reader of
the environment and docs/settings.md are built from these declarations:

    @dataclass(frozen=True)
    class HttpSettings:
        max_calls: int = setting(
            512, option="--max-calls", variable="MCP_MAX_CALLS", read=Number(1, 100_000, whole=True), help="..."
        )
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any

from mcp_errortracking.config.values import ConfigError, Switch, value

Reader = Callable[[str], Any]
_DECLARATION = "setting"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: the sources of its value, its allowed values, and its documentation."""

    field: str
    default: Any
    read: Reader
    """Turns the text of the variable, or of the option, into the value."""
    help: str
    option: str = ""
    """Option of the command line; empty for a setting without one, such as a secret."""
    variable: str = ""
    """Environment variable; empty for a setting without one."""
    metavar: str = ""
    default_text: str = ""
    """The default as help and docs show it, for a value that needs an explanation."""
    read_each: Reader | None = None
    """For an option that may be repeated: reads one occurrence into a tuple; the tuples are joined."""

    @property
    def allowed(self) -> str:
        """The allowed values, as in "must be ..."; empty if `help` says them."""
        return getattr(self.read, "allowed", "")

    @property
    def is_switch(self) -> bool:
        """True if the option takes no value; it then has a `--no-...` form too."""
        return isinstance(self.read, Switch)

    @property
    def shown_default(self) -> str:
        if self.default_text or self.default in (None, ()):
            return self.default_text
        return "off" if self.default is False else str(self.default)

    def from_variable(self, environ: Mapping[str, str]) -> Any:
        """Return the value of the variable, or None if it is not set.

        Raises:
            ConfigError: its text is not an allowed value.
        """
        text = value(environ, self.variable)
        return None if text is None else read_value(self.read, text, self.variable)


def setting(default: Any, *, read: Reader, help: str, **more: Any) -> Any:  # noqa: A002 the word that argparse uses
    """Declare a field of a dataclass as a setting; `more` are fields of `Setting`."""
    return field(default=default, metadata={_DECLARATION: Setting("", default, read, help, **more)})


@cache
def settings_of(group: type[Any]) -> tuple[Setting, ...]:
    """Return the settings that a dataclass declares, in its order."""
    declared = ((one.name, one.metadata.get(_DECLARATION)) for one in fields(group))
    return tuple(replace(declaration, field=name) for name, declaration in declared if declaration is not None)


def read_value(read: Reader, text: str, name: str) -> Any:
    """Read a text; `name` is the option, variable or source that it comes from.

    Raises:
        ConfigError: the text is not an allowed value.
    """
    try:
        return read(text)
    except ValueError as error:
        raise ConfigError(f"{name} {error}") from None


def collect_values(group: type[Any], given: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings of a group that are set: by `given` (options, already read), else by their variables.

    Args:
        given: values by field; None counts as not given, and False, 0 or an empty tuple as given.

    Raises:
        ConfigError: a variable's text is not an allowed value.
    """
    settings = settings_of(group)
    if unknown := given.keys() - {one.field for one in settings}:
        raise TypeError(f"{group.__name__} has no setting {', '.join(sorted(unknown))}")
    values = {
        one.field: one.from_variable(environ) if given.get(one.field) is None else given[one.field] for one in settings
    }
    return {name: value for name, value in values.items() if value is not None}
