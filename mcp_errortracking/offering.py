"""The tools on offer, put together from the settings."""

from mcp_errortracking.config import ConfigError, Offer
from mcp_errortracking.server.toolbox import SelectionError, Toolbox


def toolbox_for(offer: Offer) -> Toolbox:
    """The tools that the settings choose.

    Raises:
        ConfigError: they name a tool or a toolset that there is not, or leave none.
    """
    try:
        return Toolbox(toolsets=offer.toolsets, tools=offer.tools, exclude=offer.exclude, read_only=offer.read_only)
    except SelectionError as error:
        raise ConfigError(str(error)) from None
