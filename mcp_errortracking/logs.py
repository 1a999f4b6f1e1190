"""The log on stderr: its levels, formats and limits."""

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
"""Most warnings and errors a minute from one place in the code."""

LENGTH = 4000
"""Most characters of a message; the longest that libraries write quote a request header."""


def set_up(level: str, style: Format) -> None:
    """Send log lines to stderr.

    `level` applies to the loggers of this package only: libraries log arguments and whole addresses at lower levels.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(LineLimit())
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    logging.basicConfig(handlers=[handler])
    logging.getLogger("mcp_errortracking").setLevel(level.upper())


class LineLimit(logging.Filter):
    """Limits warnings and errors to `LINES` a minute from each place in the code that writes them.

    A peer without a token can cause some of them without end, such as the one about its Host header.
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
            record.msg, record.args = f"(similar lines are left out for a minute) {record.getMessage()}", ()
        return self._written[place] <= LINES


class TextFormatter(logging.Formatter):
    """One line an entry: line breaks and terminal escapes in a message are shown escaped, such as `\\n`.

    Only a bug takes more lines: those of its stack trace follow, each with `| ` before it, so that none looks like an
    entry.
    """

    def format(self, record: logging.LogRecord) -> str:
        line = escape_text(redact(f"mcp-errortracking: {record.levelname}: {_message(record)}"))
        if not record.exc_info:
            return line
        trace = self.formatException(record.exc_info).splitlines()
        return "\n".join([line, *(f"  | {escape_text(redact(part))}" for part in trace)])


class JsonFormatter(logging.Formatter):
    """One JSON object a line; the `facts` of a record become fields of it."""

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
