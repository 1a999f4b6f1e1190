"""Parser of pasted stack traces: of V8, Firefox, Safari or Hermes, from a console, a log, JSON, a chat or PostHog.

Each line is tried as one form after the other. A form first finds its keywords and the numbers at the end of a
position, and then reads the text between them, so that every line is read only a few times, even a hostile one.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from mcp_errortracking.workflows.source_maps.resolve.frames import Frame
from mcp_errortracking.workflows.source_maps.resolve.report_forms import (
    ReportedLine,
    parse_crash_line,
    parse_reported_line,
)
from mcp_errortracking.workflows.source_maps.resolve.stack_wrapping import unwrapped

_LONGEST_LINE = 1024
_MOST_LINES = 1000
_MARKS = " \t>|`\"'*-"
"""Characters that logs, chats and quotations put around a line."""
_BREAK = re.compile(
    r"(?:\\{1,4}r)?\\{1,4}n"
    r"(?=(?:\s|\\{1,4}t){1,40}at |[^\s@\"\\]{0,100}@[A-Za-z][\w+.-]{0,40}://)"  # not the \n of C:\new
    r"|\\{0,4}\",\s?\\{0,4}\"(?=\s{1,40}at )"
    r"|(?<=\d\))[ \t]{1,40}(?=at )"
)
"""A separator of frames in one line: an escaped line break, the next item of a JSON list, or blanks of a lost one."""
_NUMBERS = re.compile(r":(?P<line>\d{1,10}):(?P<column>\d{1,10})(?![\w:/\]])")
_NUMBER = re.compile(r":(?P<line>\d{1,10})(?P<column>)(?=[\s)\"'`,;]|$)")
_FILE = re.compile(
    r"(?:(?:blob:)?[A-Za-z][\w+.-]*://[^/\s]*/.*|(?:[A-Za-z]:|\.{0,2})[\\/]\S.*)"  # a URL or a path with a slash
    r"|[^\s:()=,]*\.[A-Za-z]\w{0,9}(?:\?\S*)?"  # a name with an extension
)
_ANONYMOUS = {"", "?", "<anonymous>", "(anonymous)", "anonymous", "Anonymous function"}

_AT = re.compile(r"(?:^|[\s>|`*\"'(\[-]|\\t)at (?=\S)")
_INDENTED = re.compile(r"(?:\s\s|[\t>|`*\"'-])$")
_CALL = re.compile(
    r"(?:async )?"
    r"(?:(?![A-Za-z]:[\\/]|/|[\w+.-]+://)(?:(?P<function>\S.*?) |(?P<tight>[\w$.<>#]+)|)\((?:eval at .*\()?)?"
    r"(?P<hermes>address at )?(?P<file>\S.*)"
)
_GECKO_NAME = re.compile(r"(?:(?:global|module|eval) code|[^\s\"'`|]*)$")
_GECKO_EVAL = re.compile(r"(?P<file>\S+) line (?P<line>\d{1,10})(?P<column>) > ")
_NO_CLASS = re.compile(r"^\.(?=[\w$<])")
_CRASH = re.compile(r"(?P<android>com\.facebook\.react\.\S{0,80})?JavascriptException|, stack:\s")
_CRASH_FILES = ("main.jsbundle", "index.android.bundle")
"""React Native's usual names of the bundle, which its native crashes do not name: on iOS, and on Android."""
_BARE = re.compile(r"(?P<file>\S.*?):(?P<line>\d{1,10})(?::(?P<column>\d{1,10}))?")


@dataclass(frozen=True, slots=True)
class _ParsedFrame:
    """A frame. `is_certain`: only frames have this form; a file with a line is also common in messages and headers."""

    frame: Frame
    is_certain: bool = True


def parse_stack(text: str) -> list[Frame]:
    """Return the frames in a text, or in a single position (`main.js:1:48213`). Other lines are skipped.

    Only the first 1,000 lines are read.
    """
    text = unwrapped(text)
    lines = [line[:_LONGEST_LINE].strip() for line in _BREAK.sub("\n", text).splitlines()[:_MOST_LINES]]
    crash = _CRASH.search(text)
    found = list[_ParsedFrame]()
    for previous, line in zip(["", *lines], lines, strict=False):
        reported = parse_reported_line(line.strip(_MARKS), previous)
        if reported is None and crash:
            reported = parse_crash_line(line, _CRASH_FILES[bool(crash["android"])])
        if one := _of_report(reported) if reported else _parse_line(line):
            found.append(one)
    certain = [one.frame for one in found if one.is_certain]
    return certain or [one.frame for one in found]


def _of_report(one: ReportedLine) -> _ParsedFrame:
    column = None if one.column is None else max(0, one.column - one.starts_at)
    return _ParsedFrame(Frame(one.file, one.line, column, _named(one.function)))


def _parse_line(line: str) -> _ParsedFrame | None:
    return next((found for form in _FORMS if (found := form(line))), None)


def _v8(line: str) -> _ParsedFrame | None:
    """Parse `at o (main.js:1:48)` or `at main.js:1:48`, also with text around it."""
    at = _AT.search(line)
    place = at and (_NUMBERS.search(line, at.end()) or _NUMBER.search(line, at.end()))
    call = at and place and _CALL.fullmatch(line, at.end(), place.start())
    if not at or not place or not call:
        return None
    function = call["function"] or call["tight"]
    file = call["file"] if function else call["file"].rpartition(" at ")[2]
    before = line[: at.end() - len("at ")]
    is_first = not before.strip(_MARKS).removesuffix("\\t")
    if not (is_first and place["column"]):  # else it may be a sentence or a time of day
        is_alone = is_first or (bool(place["column"]) and (bool(function) or bool(_INDENTED.search(before))))
        if not is_alone or not _FILE.fullmatch(file):
            return None
    return _ParsedFrame(_frame(file, place, (function or "").rpartition(" at ")[2], 0 if call["hermes"] else 1))


def _of_chrome_console(line: str) -> _ParsedFrame | None:
    """Parse `o @ main.js:1`."""
    function, _, rest = line.partition(" @ ")
    found = _BARE.fullmatch(rest)
    if not found or not _FILE.fullmatch(found["file"]):
        return None
    return _ParsedFrame(_frame(found["file"], found, function.strip(_MARKS)), bool(found["column"]))


def _gecko(line: str) -> _ParsedFrame | None:
    """Parse `o@https://shop.example/main.js:1:48` of Firefox and Safari."""
    head, at, rest = line.partition("@")
    if not at or "://" in head:
        return None
    place = _GECKO_EVAL.match(rest) or _NUMBERS.search(rest) or _NUMBER.search(rest)
    if not place:
        return None
    is_eval = place.re is _GECKO_EVAL
    file = place["file"] if is_eval else rest[: place.start()]
    if not _FILE.fullmatch(file) or not (place["column"] or "/" in file):  # not a mail address and a number
        return None
    name = _GECKO_NAME.search(head.rpartition("*")[2])  # promise callback*o, async*o
    return _ParsedFrame(_frame(file, place, name[0] if name else ""), is_eval or bool(place["column"]))


def _bare(line: str) -> _ParsedFrame | None:
    """Parse `main.js:1:48213`, also of Safari's functions without a name."""
    found = _BARE.fullmatch(line.lstrip(f"{_MARKS}([").rstrip(f"{_MARKS})],;."))
    if not found or not _FILE.fullmatch(found["file"]):
        return None
    return _ParsedFrame(_frame(found["file"], found, ""), bool(found["column"]))


_FORMS: tuple[Callable[[str], _ParsedFrame | None], ...] = (_v8, _of_chrome_console, _gecko, _bare)


def _frame(file: str, place: re.Match[str], function: str | None, starts_at: int = 1) -> Frame:
    column = max(0, int(place["column"]) - starts_at) if place["column"] else None
    return Frame(file, int(place["line"]), column, _named(function or ""))


def _named(function: str) -> str | None:
    """Return the name of a function; None if it has none. Crashlytics on Android writes `.o` if it has no class."""
    name = _NO_CLASS.sub("", function.strip())
    return None if name in _ANONYMOUS else name
