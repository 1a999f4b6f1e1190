"""Unexpected errors: one line in the log."""

import logging
import traceback
from pathlib import Path

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
