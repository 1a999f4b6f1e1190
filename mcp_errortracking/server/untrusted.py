"""Text that strangers may have written: fit to be shown, and unable to pass for anything else.

PostHog's data is written by whoever can make an application fail: issue names, exception messages, paths, property
names. Three things are done to it before a model reads it (docs/untrusted-text.md has examples):

- what cannot be seen, or makes text read as something it is not, becomes a space, or an escape in JSON;
- what opens like this server's own notes, or like a turn of a conversation, is quoted as JSON;
- the marks with which chats and tools are written down lose their form.
"""

import re
import unicodedata

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

_POSING = re.compile(r"\W*(?:note|human|user|assistant|system|developer|tool)\W*:", re.IGNORECASE)
_KEY = re.compile(r"ph[xs]_\w{8,}")
_OPENING = 24
"""Characters in which whatever passes for a note or a turn would have to begin."""

# Greek and Cyrillic letters that look like those of "note" and of the names of turns, in NFKC and lower case.
_LOOKALIKES = str.maketrans(
    {
        "\u03bd": "n",
        "\u03bf": "o",
        "\u03c4": "t",
        "\u03b5": "e",
        "\u03b1": "a",
        "\u03b9": "i",
        "\u0430": "a",
        "\u0435": "e",
        "\u043e": "o",
        "\u0440": "p",
        "\u0441": "c",
        "\u0442": "t",
        "\u0443": "y",
        "\u0445": "x",
        "\u0455": "s",
        "\u0456": "i",
        "\u0501": "d",
        "\u04bb": "h",
        "\u043c": "m",
        "\u043f": "n",
        "\u0274": "n",
        "\u0578": "n",
        "\u0585": "o",
        "\u0131": "i",
        "\u0261": "g",
    }
)
_COLONS = str.maketrans("\u02d0\u0589\u05c3\u2236\ua789\ufe13\ufe55\uff1a", ":" * 8)

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
    return _KEY.sub("[key]", text) if "ph" in text else text


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
    seen = unicodedata.normalize("NFKC", opening.translate(_COLONS)).lower().translate(_LOOKALIKES)
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
