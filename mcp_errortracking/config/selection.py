"""The tools that are offered to an agent, the folders they may touch, and the form of a result."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mcp_errortracking.config.default_root import default_root
from mcp_errortracking.config.settings import collect_values, setting, settings_of
from mcp_errortracking.config.values import Choice, ConfigError, Number, Switch, read_folder, read_folders, read_names


@dataclass(frozen=True, slots=True)
class ToolSelection:
    """The tools of these toolsets and these tools, without the excluded ones. Without any, the default toolset.

    `roots` are the folders that tools may read and write; None: the default of the command, see `default_text`.
    """

    toolsets: tuple[str, ...] = setting(
        (),
        option="--toolsets",
        variable="MCP_TOOLSETS",
        metavar="NAMES",
        read=read_names,
        default_text="default",
        help="default, all, documented, official, or resources such as issues,alerts",
    )
    tools: tuple[str, ...] = setting(
        (),
        option="--tools",
        variable="MCP_TOOLS",
        metavar="NAMES",
        read=read_names,
        help="these tools, in addition to the toolsets",
    )
    exclude: tuple[str, ...] = setting(
        (),
        option="--exclude",
        variable="MCP_EXCLUDE",
        metavar="NAMES",
        read=read_names,
        help="leave out these tools or toolsets",
    )
    read_only: bool = setting(
        False,
        option="--read-only",
        variable="MCP_READ_ONLY",
        read=Switch(),
        help="leave out every tool that changes something",
    )
    confirm: Literal["never", "destructive", "writes"] = setting(
        "never",
        option="--confirm",
        variable="MCP_CONFIRM",
        read=Choice("never", "destructive", "writes"),
        help="ask a person before calls that replace, delete or merge something (destructive), or before all writes",
    )
    roots: tuple[Path, ...] | None = setting(
        None,
        option="--root",
        variable="MCP_ROOTS",
        metavar="DIR",
        read=read_folders,
        read_each=read_folder,
        default_text="over stdio the current folder if it can be that of a project, over HTTP none",
        help="a folder whose files tools may read and write; off: none. Repeat the option for more; the variable "
        "separates them as PATH does",
    )
    # Some clients refuse a result over 25,000 tokens.
    max_result_tokens: int = setting(
        20_000,
        option="--max-result-tokens",
        variable="MCP_MAX_RESULT_TOKENS",
        metavar="N",
        read=Number(100, 10**6, whole=True, off=sys.maxsize),
        help="cut the text of a longer result",
    )
    structured: Literal["never", "always"] = setting(
        "never",
        option="--structured",
        variable="MCP_STRUCTURED",
        read=Choice("never", "always"),
        help="always: results also have structuredContent, for programs. Many clients then give the model that, and "
        "not the text",
    )


def load_tool_selection(environ: Mapping[str, str] | None = None, **given: Any) -> ToolSelection:
    """Return the selection that options (`given`, by field) and variables make.

    Raises:
        ConfigError: a value is wrong.
    """
    return ToolSelection(**collect_values(ToolSelection, given, os.environ if environ is None else environ))


def load_confirm(environ: Mapping[str, str] | None = None, *, confirm: str | None = None) -> Any:
    """Return the calls that a command confirms: the option, else the variable, else none.

    Raises:
        ConfigError: the variable's text is not an allowed value.
    """
    declared = next(one for one in settings_of(ToolSelection) if one.field == "confirm")
    return confirm or declared.from_variable(os.environ if environ is None else environ) or declared.default


def roots_for(selection: ToolSelection, *, over_network: bool) -> tuple[Path, ...]:
    """Return the folders that tools may read and write.

    If none is named: over stdio the current folder, unless it is a folder of the system or holds the user's home, where
    the secrets are (see `default_root`); over a network none.

    Raises:
        ConfigError: a root is not a folder.
    """
    if selection.roots is not None:
        for root in selection.roots:
            if not root.is_dir():
                raise ConfigError(f"The root {root} is not a folder: name an existing one with --root or MCP_ROOTS.")
        # Resolved now, before a process that writes to one root can redirect another one below it.
        return tuple(root.resolve() for root in selection.roots)
    if over_network:
        return ()
    here = default_root()
    return () if here is None else (here,)
