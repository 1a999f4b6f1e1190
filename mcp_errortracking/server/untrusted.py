"""Text that strangers may have written: fit to be shown, and unable to pass for anything else."""

import re

# Control characters (line breaks and tabs included), and the invisible and bidirectional ones that make text read as
# something it is not.
_UNFIT = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def clean(text: str, limit: int | None = None) -> str:
    """One line of visible text: unfit characters become spaces, what is longer than `limit` characters is cut."""
    line = text if text.isascii() and text.isprintable() else _UNFIT.sub(" ", text)
    return line if limit is None or len(line) <= limit else f"{line[: limit - 1]}…"


def escape(json_text: str) -> str:
    """JSON text with its unfit characters written as escapes: the same data, and nothing in it hidden."""
    return json_text if json_text.isascii() and json_text.isprintable() else _UNFIT.sub(_as_escape, json_text)


def _as_escape(match: re.Match[str]) -> str:
    return "".join(f"\\u{unit:04x}" for unit in _utf16(match[0]))


def _utf16(character: str) -> list[int]:
    encoded = character.encode("utf-16-be")
    return [int.from_bytes(encoded[index : index + 2], "big") for index in range(0, len(encoded), 2)]
