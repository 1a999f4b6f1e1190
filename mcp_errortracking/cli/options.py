"""The options of the command line, built from the declarations of the settings.

An option that is not given sets no attribute, so that its variable counts, and so that a command inherits the options
before its name.
"""

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

from mcp_errortracking.config import (
    HttpSettings,
    ListenSettings,
    LogSettings,
    OAuthSettings,
    PostHogSettings,
    ToolSelection,
)
from mcp_errortracking.config.settings import Setting, read_value, settings_of
from mcp_errortracking.config.values import Choice, Number


def add_logging(parser: argparse.ArgumentParser) -> None:
    """Add the options of every command."""
    _add(parser, settings_of(LogSettings))


def add_connection(parser: argparse.ArgumentParser, *, timeout: float | None = None) -> None:
    """Add the options of every command that talks to PostHog. `timeout` replaces the usual default."""
    group = parser.add_argument_group("connection")
    _add(group, settings_of(PostHogSettings))
    _add(group, _named(HttpSettings, "timeout"), default=timeout)
    group.add_argument(
        "--sandbox",
        action="store_true",
        default=argparse.SUPPRESS,
        help="use a sandbox started for this run, not PostHog",
    )
    add_logging(parser)


def add_tool_selection(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose what an agent is offered."""
    group = parser.add_argument_group("tools", "names separated by commas; see: mcp-errortracking tools --toolsets all")
    _add(group, settings_of(ToolSelection))


def add_tool_limits(parser: argparse.ArgumentParser) -> None:
    """Add the options for the call of a single tool."""
    _add(parser, _named(ToolSelection, "roots", "max_result_tokens"))


def add_confirmation(parser: argparse.ArgumentParser) -> None:
    """Add the options of a command that may ask before it changes something."""
    _add(parser, _named(ToolSelection, "confirm"))
    parser.add_argument("--yes", action="store_true", help="do not ask: the answer is yes")


def add_roots(parser: argparse.ArgumentParser, *, help: str) -> None:  # noqa: A002 argparse's own name
    """Add `--root` with its own help text."""
    _add(parser, _named(ToolSelection, "roots"), help=help)


def add_named(parser: argparse.ArgumentParser, group: type[Any], *fields: str) -> None:
    """Add some settings of a group."""
    _add(parser, _named(group, *fields))


def add_transport(parser: argparse.ArgumentParser) -> None:
    """Add the options of the transport: stdio, or HTTP, its limits and the tokens of its callers."""
    transport, *address = settings_of(ListenSettings)
    _add(parser.add_argument_group("transport"), [transport])
    rest = [one for one in settings_of(HttpSettings) if one.field != "timeout"]
    _add(parser.add_argument_group("over HTTP"), [*address, *rest])
    _add(parser.add_argument_group("OAuth, over HTTP", "see docs/oauth.md"), settings_of(OAuthSettings))


def add_port(parser: argparse.ArgumentParser, *, help: str) -> None:  # noqa: A002 argparse's own name
    """Add `--port` with its own help text."""
    _add(parser, _named(ListenSettings, "port"), help=help)


def given(options: argparse.Namespace, group: type[Any]) -> dict[str, Any]:
    """Return the settings of a group that the command line gives, by field."""
    return {one.field: getattr(options, one.field) for one in settings_of(group) if hasattr(options, one.field)}


def options_over_http(options: argparse.Namespace) -> list[str]:
    """Return the options on the command line that only a server over HTTP has."""
    declared = [one for group in (ListenSettings, HttpSettings, OAuthSettings) for one in settings_of(group)]
    over_http = [one for one in declared if one.field not in ("transport", "timeout")]
    return [one.option for one in over_http if getattr(options, one.field, False) is not False]


def variables_without_option(*groups: type[Any]) -> str:
    """Return the lines at the end of a help text about settings without an option."""
    settings = [one for group in groups for one in settings_of(group) if not one.option]
    return "\n".join(f"  {one.variable:<25} {_help(one)}" for one in settings)


class _Store(argparse.Action):
    """Reads the text of an option with the reader of its setting.

    Raises:
        ConfigError: the text is not an allowed value.
    """

    def __init__(self, option_strings: Sequence[str], dest: str, *, setting: Setting, **more: Any) -> None:
        nargs = 0 if setting.is_switch else None
        super().__init__(option_strings, dest, nargs=nargs, default=argparse.SUPPRESS, **more)
        self._setting = setting

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        setting = self._setting
        if setting.is_switch:
            value = not (option or "").startswith("--no-")
        elif setting.read_each is not None:
            value = (*getattr(namespace, self.dest, ()), *read_value(setting.read_each, values, setting.option))
        else:
            value = read_value(setting.read, values, setting.option)
        setattr(namespace, self.dest, value)


def _named(group: type[Any], *fields: str) -> list[Setting]:
    return [one for one in settings_of(group) if one.field in fields]


def _add(
    group: argparse._ActionsContainer,  # pyright: ignore[reportPrivateUsage]
    settings: Iterable[Setting],
    *,
    default: float | None = None,
    help: str = "",  # noqa: A002 argparse's own name
) -> None:
    """Add options; `default` and `help` replace the declared ones in the help text."""
    for one in settings:
        if not one.option:
            continue
        names = [one.option, f"--no-{one.option[2:]}"] if one.is_switch else [one.option]
        text = (help or _help(one, default)).replace("%", "%%")
        group.add_argument(*names, action=_Store, setting=one, dest=one.field, metavar=_metavar(one), help=text)


def _metavar(one: Setting) -> str | None:
    return f"{{{','.join(one.read.choices)}}}" if isinstance(one.read, Choice) else one.metavar or None


def _help(one: Setting, default: float | None = None) -> str:
    shown = one.shown_default if default is None else f"{default:g}"
    bounds = one.read.bounds if isinstance(one.read, Number) else "" if one.option else one.allowed
    notes = [bounds, f"default: {shown}" if shown else "", one.variable if one.option else ""]
    listed = "; ".join(note for note in notes if note)
    return f"{one.help}{f' [{listed}]' if listed else ''}"
