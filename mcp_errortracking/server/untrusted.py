"""Text that strangers may have written: fit to be shown, and unable to pass for anything else.

PostHog's data is written by whoever can make an application fail: issue names, exception messages, paths, property
names. Three things are done to it before a model reads it (docs/untrusted-text.md has examples):

- what cannot be seen, or makes text read as something it is not, becomes a space, or an escape in JSON;
- what opens like this server's own notes, or like a turn of a conversation, is quoted as JSON;
- the marks with which chats and tools are written down lose their form.
"""

import re
import unicodedata

from mcp_errortracking.posthog_keys import redact

# Controls (line breaks and tabs included), surrogates, noncharacters, and all that Unicode calls ignorable: invisible,
# joining, filling and bidirectional characters, variation selectors, tags; and private use, which looks like anything.
_UNFIT = (
    "\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u2800\u3164\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\ue000-\uf8ff\U00013430-\U0001343f\U000f0000-\U0010ffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_RUN = re.compile(f"[{_UNFIT}]+")
_ONE = re.compile(f"[{_UNFIT}]")

_POSING = re.compile(r"\W*(?:note|human|user|assistant|system|de[vn]eloper|tool)\W*:", re.IGNORECASE)
_OPENING = 24
"""Characters in which whatever passes for a note or a turn would have to begin."""

# By what they look like: colons, and letters of "note" and of the names of turns, in other alphabets or barred.
_ALIKE = {
    "a": "\u03b1\u0410\u0430\u0391\ua4ee\u13aa\u0251\u1d00\u2c65",
    "d": "\u0501\ua4d3\ua4d2\u13a0\u0111\u1d05\u0257",
    "e": "\u03b5\u0395\u0435\u0415\ua4f0\u13ac\u0247\u1d07\u2c89\u2c88\u212e",
    "h": "\u0397\u04bb\u04ba\u041d\u043d\u0570\ua4e7\u13bb\u13c2\u0127\u029c\u2c8e\u2c8f",
    "i": "\u03b9\u0399\u0456\u0406\u0131\u026a\u0269\u0268\ua4f2\u13a5\u2c92\u2c93",
    "l": "\u04cf\u04c0\ua4e1\u13de\u0142\u029f\u019a",
    "m": "\u043c\u041c\u039c\ua4df\u13b7\u1d0d\u0271\u2c98\u2c99",
    "n": "\u03bd\u039d\u03b7\u043f\u0578\u057c\ua4e0\u0274\u019e\u014b\u0272\u0273\u2c9a\u2c9b",
    "o": "\u03bf\u039f\u043e\u041e\u0585\u03c3\ua4f3\u13eb\u00f8\u0275\u1d0f\u2c9e\u2c9f",
    "p": "\u03c1\u03a1\u0440\u0420\ua4d1\u13e2\u1d18",
    "r": "\u0433\ua4e3\u13a1\u13d2\u024d\u0280",
    "s": "\u0455\u0405\ua4e2\u13da\ua731",
    "t": "\u03c4\u03a4\u0442\u0422\ua4d4\u13a2\u0167\u1d1b\u2ca6\u2ca7",
    "u": "\u03c5\u057d\ua4f4\u0289\u1d1c",
    "v": "\u0475\u0474\ua4e6\u13d9\u1d20",
    "y": "\u0443\u0423\u04af\u03a5\ua4ec\u13bd\u028f\u024f",
    ":": (
        "\u02d0\u02f8\u0589\u05c3\u0903\u0a83\u0703\u0704\u16ec"
        "\u1361\u1365\u1803\u1804\u1809\u205a\u205d\u2236\u2982\ua4fd\ua6f4\ua789\ufe13\ufe30\ufe55\uff1a"
    ),
}
_ALPHABETS = (0x1F150, 0x1F170, 0x1F1E6)
"""Where letters white on black begin, and those of flags: NFKC leaves them as they are."""

_LOOKALIKES = {ord(alike): plain for plain, letters in _ALIKE.items() for alike in letters} | {
    first + index: chr(ord("a") + index) for first in _ALPHABETS for index in range(26)
}

_MARKS = re.compile(
    r"<(?=\|)|(?<=\|)>"
    r"|<(?=/?(?:[a-z]+:)?(?:system|user|human|assistant|developer|tool|function|invoke|parameter|instruction|thinking)"
    r"s?(?:[_-][a-z]+)*[\s/>])"
    r"|\[(?=/?(?:INST|SYS)\])",
    re.IGNORECASE,
)


is_plain = re.compile(r"[\w .,/@$%+=#?*!'()-]*", re.ASCII).fullmatch
"""Whether there is nothing in a text that any of the functions below could mind. Most texts are like that, and a result
has hundreds of them: so this is the pattern's own method, at a third of the cost of a function around it."""


_TURN = re.compile(r"\[/?[IS]", re.IGNORECASE)


def clean(text: str, limit: int | None = None) -> str:
    """One line of visible text: a run of unfit characters becomes a space, what is longer than `limit` is cut."""
    line = text if text.isascii() and text.isprintable() else _RUN.sub(" ", text)
    return line if limit is None or len(line) <= limit else f"{line[: limit - 1]}…"


def escape(json_text: str) -> str:
    """JSON text with its unfit characters written as escapes: the same data, and nothing in it hidden."""
    if not (json_text.isascii() and json_text.isprintable()):
        json_text = _ONE.sub(_as_escape, json_text)
    return _MARKS.sub(_as_escape, json_text) if _may_have_marks(json_text) else json_text


def hide_keys(text: str) -> str:
    """The text without PostHog keys, which somebody may have put into an argument."""
    return redact(text)


def escape_text(text: str) -> str:
    """One line for a log: unfit characters are written as escapes."""
    return text if text.isascii() and text.isprintable() else _ONE.sub(_as_escape, text)


def without_marks(text: str) -> str:
    """The text with a space in every mark that opens or ends a turn, a call or a result of a conversation."""
    return _MARKS.sub(_apart, text) if _may_have_marks(text) else text


def poses(text: str) -> bool:
    """Whether clean text opens as this server's notes do, or as a turn of a conversation does, to the eye at least."""
    opening = text[:_OPENING]
    if opening.isascii():
        return ":" in opening and _POSING.match(opening) is not None
    # Twice: a capital may look like another letter than its small one, and what is made of parts like neither.
    seen = unicodedata.normalize("NFKC", opening.translate(_LOOKALIKES)).lower().translate(_LOOKALIKES)
    seen = "".join(letter for letter in unicodedata.normalize("NFD", seen) if not unicodedata.combining(letter))
    return _POSING.match(seen) is not None


def _may_have_marks(text: str) -> bool:
    return "<" in text or "|>" in text or ("[" in text and _TURN.search(text) is not None)


def _apart(match: re.Match[str]) -> str:
    return " >" if match[0] == ">" else f"{match[0]} "


def _as_escape(match: re.Match[str]) -> str:
    return "".join(f"\\u{unit:04x}" for unit in _utf16(match[0]))


def _utf16(character: str) -> list[int]:
    encoded = character.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(encoded[index : index + 2], "big") for index in range(0, len(encoded), 2)]
