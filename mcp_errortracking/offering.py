"""The tools on offer and the folders they may touch, put together from the settings."""

from pathlib import Path

from mcp_errortracking.config import ConfigError, PostHogSettings, ToolSelection
from mcp_errortracking.server.toolbox import SelectionError, Toolbox
from mcp_errortracking.workflows.base import Workshop
from mcp_errortracking.workflows.source_maps.tools import TOOLS


def toolbox_for(selection: ToolSelection, roots: tuple[Path, ...]) -> Toolbox:
    """The tools that the settings choose; those that work on files only where there are folders for them.

    Raises:
        ConfigError: they name a tool or a toolset that there is not, or leave none.
    """
    try:
        return Toolbox(
            toolsets=selection.toolsets,
            tools=selection.tools,
            exclude=selection.exclude,
            read_only=selection.read_only,
            workflows=TOOLS if roots else (),
        )
    except SelectionError as error:
        raise ConfigError(str(error)) from None


def roots_for(selection: ToolSelection, *, over_network: bool) -> tuple[Path, ...]:
    """The folders that tools may read and write.

    Where none is named: over stdio the current folder, unless it is the whole disk or the user's home (where desktop
    programs start their servers, and where the secrets are) or is gone; over a network none.

    Raises:
        ConfigError: one is no folder.
    """
    if selection.roots is not None:
        for root in selection.roots:
            if not root.is_dir():
                raise ConfigError(f"The root {root} is not a folder: name an existing one with --root or MCP_ROOTS.")
        # Now, before a process that writes to one root can have another below it lead elsewhere.
        return tuple(root.resolve() for root in selection.roots)
    if over_network:
        return ()
    try:
        here = Path.cwd()
    except OSError:
        return ()
    return () if here == Path(here.anchor) or here == Path.home() else (here,)


def workshop_for(settings: PostHogSettings, roots: tuple[Path, ...]) -> Workshop | None:
    """Where workflows work; None where there is no folder for them."""
    return Workshop(roots, settings.host, settings.http_proxy) if roots else None
