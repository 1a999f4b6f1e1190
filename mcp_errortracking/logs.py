"""Where log lines go, and how they look."""

import json
import logging
import sys
import time
from collections import Counter
from typing import Any, Literal

from mcp_errortracking.posthog_keys import redact
from mcp_errortracking.safe_text.escaping import escape, escape_text

Format = Literal["text", "json"]

LINES = 20
"""Warnings and errors from one place in the code, a minute."""

LENGTH = 4000
"""Characters of a message; the longest that libraries write quote a header of a request."""


def set_up(level: str, style: Format) -> None:
    """Sends log lines to stderr.

    Libraries log arguments and whole addresses at their lower levels: only our own loggers are turned up.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(LineLimit())
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    logging.basicConfig(handlers=[handler])
    logging.getLogger("mcp_errortracking").setLevel(level.upper())


class LineLimit(logging.Filter):
    """Limits warnings and errors to `LINES` a minute from each place in the code that writes them.

    A peer without a token can cause some of them, such as one about its Host header, as often as it likes.
    """

    def __init__(self) -> None:
        super().__init__()
        self._minute = 0
        self._written = Counter[tuple[str, int]]()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        minute = int(record.created // 60)
        if minute != self._minute:
            self._minute = minute
            self._written.clear()
        place = (record.pathname, record.lineno)
        self._written[place] += 1
        if self._written[place] == LINES:
            record.msg, record.args = f"(more like it are left out for a minute) {record.getMessage()}", ()
        return self._written[place] <= LINES


class TextFormatter(logging.Formatter):
    """One line an entry, whatever is in it: a message shows line breaks and terminal escapes as `\\n` and the like.

    Only a bug takes more: the lines of its stack trace follow, each with `| ` before it, so that none passes for an
    entry.
    """

    def format(self, record: logging.LogRecord) -> str:
        line = escape_text(redact(f"mcp-errortracking: {record.levelname}: {_message(record)}"))
        if not record.exc_info:
            return line
        trace = self.formatException(record.exc_info).splitlines()
        return "\n".join([line, *(f"  | {escape_text(redact(part))}" for part in trace)])


class JsonFormatter(logging.Formatter):
    """One JSON object a line; what a record carries as `facts` becomes fields of it."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        entry |= getattr(record, "facts", {})
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        shown = {name: redact(fact) if isinstance(fact, str) else fact for name, fact in entry.items()}
        return escape(json.dumps(shown, ensure_ascii=False, default=str))


def _message(record: logging.LogRecord) -> str:
    text = record.getMessage()
    return text if len(text) <= LENGTH else f"{text[:LENGTH]}…"
