"""Escaping of untrusted text: it stays visible, on one line, and cannot imitate anything else.

Anyone who can make an application fail can write into PostHog's data: issue names, exception messages, paths, property
names. Three things happen to such text before a model reads it (docs/untrusted-text.md has examples):

- invisible and misleading characters become a space, or an escape in JSON;
- text that begins like a note of this server, or like a turn of a conversation, is quoted as JSON;
- the tags of chat templates and tool calls are broken up.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Any, cast

from mcp_errortracking.safe_text.lookalikes import fold, lookalikes_of

# Controls (line breaks and tabs included), surrogates, noncharacters, and all that Unicode calls ignorable: invisible,
# joining, filling and bidirectional characters, variation selectors, tags; and private use, with any appearance.
_UNFIT = (
    "\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u2800\u3164\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\ue000-\uf8ff\U00013430-\U0001343f\U000f0000-\U0010ffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_RUN = re.compile(f"[{_UNFIT}]+")
_ONE = re.compile(f"[{_UNFIT}]")


def _word(*words: str) -> str:
    """Return a pattern for any of the words, also with ASCII letters and digits that look like theirs."""
    shapes = {"o": "[o0]", "i": "[il1|]", "l": "[il1|]", "m": "(?:m|rn)"}
    return "|".join("".join(shapes.get(letter, letter) for letter in word) for word in words)


_TURNS = (
    _word("human", "user", "assistant", "system", "developer", "tool", "model", "bot", "chatbot", "ipython", "claude")
    + "|"
    + _word("chatgpt", "gemini", "copilot")
    + r"|a[il]|gpt[\w.-]{0,12}"
)
"""The speakers of a conversation: the roles of chat templates, and the names that assistants have."""
_SPEAKING = (
    _word("server", "system", "tool", "assistant", "agent", "user", "admin", "operator", "security", "important")
    + "|"
    + _word("mcp", "posthog", "this", "the", "our")
)
"""Words before "note" that make it a note of somebody in charge."""
_MARKED = r"(?:[-*+>]\s*+){0,8}[#\uff03\ufe5f]{2}"
_NUMBER = r"(?:(?:\d{1,4}|[a-z])(?=\s*+[.)\]])[\W_]++){0,3}+"
_BEFORE = rf"[\W_]*+{_NUMBER}"
_IMPERSONATION = re.compile(
    # A heading, as in "### Response:", whatever its words are.
    rf"\s*+{_MARKED}[^:]{{0,60}}:|{_BEFORE}"
    rf"(?:(?:(?:{_SPEAKING})(?:['\u2019]?s)?\W{{1,3}}){{0,3}}(?:{_word('note')})s?(?:\W++(?:to|for|from)\b[^:]{{0,40}})?"
    rf"|(?:(?:gpt|ai|chat|correct)[\w.-]{{0,12}}+\W{{1,3}}){{0,2}}"
    rf"(?:{_TURNS})(?:\W++(?:{_word('note', 'message', 'prompt', 'reminder', 'instruction')})s?)?)"
    r"(?:[^\w:]|_)*+:",
    re.IGNORECASE,
)
"""The beginning of a note or of a turn, in ASCII or folded text."""
_LEADING = re.compile(_BEFORE, re.IGNORECASE)
_OPENING, _ENOUGH = 256, 64
"""Characters that are folded at first, and how many of them must follow the leading blanks and punctuation."""

_TAG_NAMES = (
    _word(
        "system",
        "sys",
        "user",
        "human",
        "assistant",
        "developer",
        "tool",
        "function",
        "invoke",
        "parameter",
        "instruction",
    )
    + "|"
    + _word("think", "thinking", "reasoning")
)
_RESULT_NAMES = _word("result", "response", "output", "answer")
_END = r"s?(?:[_-][a-z_-]{0,40}+)?[\s/>=]"
_ROLES = _word("human", "user", "assistant", "system", "developer", "tool", "model", "bot")
_OWN_NAMES = _word("turn", "important", "admin", "claude", "model", "bot", "ipython") + "|ai"
"""Names of tags that are types too, as in List<Model>, or elements of XML: these are tags where no type is meant."""
_BRACKETED = (
    _word(
        "inst", "sys", "tool_calls", "tool_result", "tool_results", "tool_content", "available_tools", "system_prompt"
    )
    + "|"
    + _word("args", "call_id", "think")
)
_CHAT_TAGS = re.compile(
    r"<(?=\|)|(?<=\|)>"
    rf"|<(?=/?(?:[\w.-]{{1,32}}:)?(?:{_TAG_NAMES}){_END})"
    rf"|<(?=(?:\s{{1,16}}+/?|/(?=\s))\s{{0,16}}+(?:{_TAG_NAMES}|{_OWN_NAMES})s?(?:[_-][a-z_-]{{0,40}}+)?[^<>\w]{{0,16}}+>)"
    rf"|(?<![\w.])<(?=/?(?:{_OWN_NAMES})s?/?>)"
    # Any name, with the role of a speaker.
    rf"|<(?=\s{{0,16}}+[\w:.-]{{1,32}}+\s[^<>]{{0,100}}?\b(?:role|from|author|speaker)\s{{0,4}}+=\s{{0,4}}+[\"'\\]{{0,3}}+(?:{_ROLES})\b)"
    # Without a slash these can be types, as in Promise<Result>.
    rf"|<(?=/(?:[\w.-]{{1,32}}:)?(?:{_RESULT_NAMES}){_END})|(?<![\w.])<(?=(?:{_RESULT_NAMES}){_END})"
    rf"|<(?=(?:{_word('start_of_turn', 'end_of_turn')})>)|<(?=/?s>|[be][o0]s>)"
    rf"|\[(?=/?(?:{_BRACKETED})\])",
    re.IGNORECASE,
)
"""The tags of chats and tool calls, in ASCII or folded text; each match is one character."""
_OPEN_BRACKET = re.compile(r"\[/?[\w|]")
"""Matches wherever a bracket can open a tag, and not in a list of texts in JSON."""


is_plain = re.compile(r"[\w .,/@$%+=#?*!'()-]*", re.ASCII).fullmatch
"""A match if a text needs none of the functions below. Most texts are plain, and a result has hundreds of them: the
pattern's own method takes a third of the time of a function around it."""


_is_plain_json = re.compile(
    r"[\w .,/@$%+=#?*!'(){};:\"\]-]*+(?:\[(?!/?[\w|])[\w .,/@$%+=#?*!'(){};:\"\]-]*+)*+", re.ASCII
).fullmatch
"""A match if JSON text has nothing to escape: printable ASCII without a bracket that could open a tag."""


def clean(text: str, limit: int | None = None) -> str:
    """Return one line of visible text: runs of unfit characters become a space, and text beyond `limit` is cut."""
    if limit is not None and len(text) > limit:
        text = f"{text[: limit - 1]}…"
    return text if text.isascii() and text.isprintable() else _RUN.sub(" ", text)


def cut_bytes(text: str, most: int) -> str:
    """Return the beginning of a text, at most so many bytes of UTF-8."""
    coded = text.encode("utf-8", "replace")
    return text if len(coded) <= most else f"{coded[:most].decode('utf-8', 'ignore')}…"


def escape(json_text: str) -> str:
    """Return JSON text with its unfit characters as escapes: the same data, with nothing hidden."""
    if _is_plain_json(json_text):
        return json_text
    if not (json_text.isascii() and json_text.isprintable()):
        json_text = _ONE.sub(_as_escape, json_text)
    return _replace_tags(json_text, _as_escape)


def escape_text(text: str) -> str:
    """Return one line for a log, with unfit characters as escapes."""
    return text if text.isascii() and text.isprintable() else _ONE.sub(_as_escape, text)


def break_tags(text: str) -> str:
    """Return the text with a space in every tag that opens or closes a turn, a tool call or a result."""
    return _replace_tags(text, _with_space)


def impersonates(text: str) -> bool:
    """True if clean text looks like the beginning of a note of this server, or of a turn of a conversation."""
    if text.isascii():
        return ":" in text and _IMPERSONATION.match(text) is not None
    folded = fold(text[:_OPENING])
    if len(text) > _OPENING and len(_LEADING.sub("", folded, count=1)) < _ENOUGH:
        folded = fold(text)
    return _IMPERSONATION.match(folded) is not None


def replace_surrogates(value: Any) -> Any:
    """Return JSON data with every lone surrogate replaced, which UTF-8 cannot encode."""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list | tuple):
        return [replace_surrogates(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        return {replace_surrogates(name): replace_surrogates(item) for name, item in items}
    return value


def _replace_tags(text: str, replacement: Callable[[re.Match[str]], str]) -> str:
    if "<" in text or "|>" in text or ("[" in text and _OPEN_BRACKET.search(text)):
        text = _CHAT_TAGS.sub(replacement, text)
    if text.isascii():
        return text
    candidates = _lookalike_tags()
    # If a tag is written in look-alikes, every character that could open one is replaced.
    return candidates.sub(replacement, text) if candidates.search(text) and _CHAT_TAGS.search(fold(text)) else text


@cache
def _lookalike_tags() -> re.Pattern[str]:
    """Return a pattern for every character that looks like the opening of a tag, except the brackets of JSON."""
    bars = re.escape(lookalikes_of("|"))
    return re.compile(
        rf"[{re.escape(lookalikes_of('<'))}]|(?<=[{bars}])[{re.escape(lookalikes_of('>'))}]|[{re.escape(lookalikes_of('[')[1:])}]"
        r"|\[(?!\s*(?:true|false|null|NaN|Infinity|[\"\[\]{}\d-]))"
    )


_BLANK = re.compile(r"/?\s")


def _with_space(match: re.Match[str]) -> str:
    if match[0] in lookalikes_of(">"):
        return f" {match[0]}"
    # Where a blank is there already, one more would not change the form.
    return f"{match[0]}\\" if _BLANK.match(match.string, match.end()) else f"{match[0]} "


def _as_escape(match: re.Match[str]) -> str:
    return "".join(f"\\u{unit:04x}" for character in match[0] for unit in _utf16(ord(character)))


def _utf16(code: int) -> tuple[int, ...]:
    # By arithmetic: a log line may need it when no file descriptor is left to import a codec.
    return (code,) if code < 0x10000 else (0xD7C0 + (code >> 10), 0xDC00 | code & 0x3FF)
