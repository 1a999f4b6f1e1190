"""Unexpected errors: one line in the log, and a neutral sentence for the client."""

import logging
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR
from pydantic import ValidationError

logger = logging.getLogger(__name__)


def log_unexpected_error(what: str, error: Exception) -> None:
    """Log one line: what failed, the type of the error, and where it was raised; its traceback only at level debug.

    The error's text is left out: it may repeat an argument or an answer.
    """
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "an unknown place"
    logger.error(
        "%s failed: %s at %s, a bug in mcp_errortracking; --log-level debug logs its traceback",
        *(what, type(error).__name__, place),
        exc_info=error if logger.isEnabledFor(logging.DEBUG) else None,
    )


async def contain_unexpected_errors(ctx: Any, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
    """Middleware of the SDK's server: log an unexpected error of any method, and answer with an internal error.

    Raises:
        MCPError: the method failed.
    """
    try:
        return await call_next(ctx)
    except (MCPError, ValidationError):  # the SDK has an answer to these
        raise
    except Exception as error:
        log_unexpected_error(ctx.method, error)
        text = f"{ctx.method} failed inside mcp_errortracking; this is a bug in it. Its log (stderr) has the details."
        raise MCPError(INTERNAL_ERROR, text) from None
