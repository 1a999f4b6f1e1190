"""Errors that nothing explains: one line in the log, a neutral sentence for the client."""

import logging
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR
from pydantic import ValidationError

logger = logging.getLogger(__name__)


def log_bug(what: str, error: Exception) -> None:
    """Write one line: what failed, the kind of error, and where it was raised; its trace only at level debug.

    The text of an unexpected error may repeat an argument or an answer: it stays out of the line.
    """
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "an unknown place"
    logger.error(
        "%s failed: %s at %s, a bug in mcp_errortracking; --log-level debug logs its trace",
        *(what, type(error).__name__, place),
        exc_info=error if logger.isEnabledFor(logging.DEBUG) else None,
    )


async def contain_bugs(ctx: Any, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
    """Middleware of the SDK's server: an unexpected error of any method is logged by us, and answered as one.

    Raises:
        MCPError: the method failed.
    """
    try:
        return await call_next(ctx)
    except (MCPError, ValidationError):  # the SDK has an answer to these
        raise
    except Exception as error:
        log_bug(ctx.method, error)
        text = f"{ctx.method} failed inside mcp_errortracking; this is a bug in it. Its log (stderr) names it."
        raise MCPError(INTERNAL_ERROR, text) from None
