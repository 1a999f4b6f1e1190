"""Where log lines go, and how they look."""

import json
import logging
import sys
import time
from typing import Any, Literal

Format = Literal["text", "json"]


def set_up(level: str, style: Format) -> None:
    """Sends log lines to stderr.

    Libraries log arguments and whole addresses at their lower levels: only our own loggers are turned up.
    """
    handler = logging.StreamHandler(sys.stderr)
    text = logging.Formatter("mcp-errortracking: %(levelname)s: %(message)s")
    handler.setFormatter(JsonFormatter() if style == "json" else text)
    logging.basicConfig(handlers=[handler])
    logging.getLogger("mcp_errortracking").setLevel(level.upper())


class JsonFormatter(logging.Formatter):
    """One JSON object a line; what a record carries as `facts` becomes fields of it."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry |= getattr(record, "facts", {})
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False, default=str)
