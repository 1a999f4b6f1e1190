"""The parser of all commands: a usage in one line, descriptions that keep their lines."""

import argparse
import sys
from collections.abc import Iterable
from typing import Any, NoReturn


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """A formatter whose usage names positional arguments and required options; the rest is `[OPTION ...]`.

    With all options, the usage of most commands would fill a screen.
    """

    def add_usage(
        self, usage: str | None, actions: Iterable[argparse.Action], groups: Iterable[Any], prefix: str | None = None
    ) -> None:
        """Add the usage; without a prefix, it is the name of a command before its subcommands."""
        shown = [action for action in actions if action.required or not action.option_strings]
        options = [] if prefix == "" else [argparse.Action((), "options", nargs="*", metavar="OPTION")]
        super().add_usage(usage, [*options, *shown], (), prefix)


class Parser(argparse.ArgumentParser):
    """A parser of a command or subcommand, with `HelpFormatter`."""

    def __init__(self, **settings: Any) -> None:
        settings.setdefault("formatter_class", HelpFormatter)
        super().__init__(**settings)

    def error(self, message: str) -> NoReturn:
        """Report an invalid command with its usage, and exit with 2."""
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: error: {message}\nSee: {self.prog} --help\n")
