"""The entry of a server in a client's configuration, in each form that clients read."""

from dataclasses import dataclass, field
from typing import Any, Literal, cast

NAME = "posthog"
"""The name of the entry, unless the user chooses another: clients put it before each tool name."""

Form = Literal["plain", "stdio", "zed", "copilot", "opencode", "cline"]

_OWN = ("mcp-errortracking", "mcp_errortracking")


@dataclass(frozen=True, slots=True)
class Entry:
    """The command that starts the server, and its variables."""

    command: str
    args: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    """It may hold the key."""

    @property
    def words(self) -> list[str]:
        """The command with its arguments."""
        return [self.command, *self.args]

    def as_form(self, form: Form) -> dict[str, Any]:
        """Return the entry as a client reads it. Without variables there is no member for them."""
        if form == "opencode":
            more: dict[str, Any] = {"environment": self.env} if self.env else {}
            return {"type": "local", "command": self.words, "enabled": True, **more}
        more = {"env": self.env} if self.env else {}
        plain = {"command": self.command, "args": list(self.args), **more}
        if form == "stdio":
            return {"type": "stdio", **plain}
        if form == "cline":
            return {"transport": {"type": "stdio", **plain}}
        if form == "zed":
            return {"source": "custom", **plain}
        if form == "copilot":
            return {"type": "local", **plain, "tools": ["*"]}
        return plain


def env_of(entry: object) -> dict[str, str]:
    """Return the variables of an entry of a client's file, whatever its form."""
    fields = _fields(entry)
    fields = _fields(fields.get("transport")) or fields
    texts = _fields(fields.get("env") or fields.get("environment"))
    return {name: text for name, text in texts.items() if isinstance(text, str)}


def is_own(entry: object) -> bool:
    """True if an entry of a client's file starts this server, whatever its form."""
    return any(name in text for text in _texts(entry) for name in _OWN)


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for one in cast("list[object]", value) for text in _texts(one)]
    fields = _fields(value)
    return _texts([fields[name] for name in ("command", "path", "args", "transport") if name in fields])


def _fields(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}
