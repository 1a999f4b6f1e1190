"""What an agent is offered: which tools, and how long an answer may be."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp_errortracking.config.values import from_variables, number, several, switch


@dataclass(frozen=True, slots=True)
class Offer:
    """The tools of these toolsets and these tools, without the excluded ones; empty means what is offered by default.

    `roots` are the folders that tools may read and write; None: what the command takes where nothing is said.
    `max_result_tokens` is where the text of a result is cut; None: where no client minds.
    """

    toolsets: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    read_only: bool = False
    max_result_tokens: int | None = None
    roots: tuple[Path, ...] | None = None


_VARIABLES: dict[str, tuple[str, Callable[[str], Any]]] = {
    "toolsets": ("MCP_TOOLSETS", several),
    "tools": ("MCP_TOOLS", several),
    "exclude": ("MCP_EXCLUDE", several),
    "read_only": ("MCP_READ_ONLY", switch),
    "max_result_tokens": ("MCP_MAX_RESULT_TOKENS", lambda text: int(number(text, 100, 10**6))),
    "roots": ("MCP_ROOTS", lambda text: tuple(Path(part).expanduser() for part in text.split(os.pathsep) if part)),
}


def load_offer(environ: Mapping[str, str] | None = None, **given: Any) -> Offer:
    """What is given, else the variables `MCP_*`; None or empty counts as not given.

    Raises:
        ConfigError: a value is wrong.
    """
    return Offer(**from_variables(_VARIABLES, given, os.environ if environ is None else environ))
