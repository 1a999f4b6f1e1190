"""Lines of a stack trace as error trackers show them: PostHog's pages, Crashlytics, Datadog, React Native's crashes."""

import re
from dataclasses import dataclass

_POSTHOG_COPY = re.compile(
    r'File "(?P<file>[^"]+)", line: (?P<line>\d{1,10})(?:, column: (?P<column>\d{1,10}))?(?:, in: (?P<function>\S+))?'
)
_POSTHOG_PAGE = re.compile(r"@\s?(?P<line>\d{1,10})(?::(?P<column>\d{1,10}))?$")
_FUNCTION_ONLY = re.compile(r"(?!\w{0,100}(?:Error|Exception)$)[\w$][\w$.<>#]{0,200}$")
_CRASHLYTICS = re.compile(
    r"\d{1,4} {1,40}\S{1,200} {1,40}(?:0x[0-9a-fA-F]{1,16} )?(?P<function>\S[^(]{0,300}?) \+ \d{1,10} "
    r"\((?P<file>.{1,900}):(?P<line>\d{1,10}):(?P<column>\d{1,10})\)$"
)
_DATADOG = re.compile(r"at (?P<function>.{0,300}?) ?@ (?P<file>\S+?):(?P<line>\d{1,10}):(?P<column>\d{1,10})$")
_REACT_NATIVE = re.compile(r"(?P<function>[^\s@]{0,300})@(?P<line>\d{1,10}):(?P<column>\d{1,10})$")
_BYTECODE = (".bundle", ".jsbundle", ".hbc")


@dataclass(frozen=True, slots=True)
class ReportedLine:
    """A line of a report. `starts_at`: the number of the first column."""

    file: str
    line: int
    column: int | None
    function: str
    starts_at: int = 1


def parse_reported_line(line: str, previous: str = "") -> ReportedLine | None:
    """Return a line in the form of an error tracker; None if it has another one.

    Args:
        previous: the line before, which can be the name of the function.
    """
    if found := _POSTHOG_COPY.search(line):
        return _line(found, found["file"], found["function"] or "")
    if found := _CRASHLYTICS.match(line) or _DATADOG.match(line):
        return _line(found, found["file"], found["function"])
    return _of_posthogs_page(line, previous)


def parse_crash_line(line: str, file: str) -> ReportedLine | None:
    """Return a line `o@1:1183302` of React Native's native crashes, which name no file and count columns from 0."""
    found = _REACT_NATIVE.match(line)
    return ReportedLine(file, int(found["line"]), int(found["column"]), found["function"], 0) if found else None


def _of_posthogs_page(line: str, previous: str) -> ReportedLine | None:
    """Return `o main.js@2:28`, in one line or, as browsers copy a page, in two."""
    at = line.rfind("@")
    found = _POSTHOG_PAGE.match(line, at) if at > 0 else None
    words = line[:at].split() if found else []
    if not found or not words or not any(mark in words[-1] for mark in "/\\."):
        return None
    function, file = " ".join(words[:-1]), words[-1]
    if not function and _FUNCTION_ONLY.match(previous):
        function = previous
    is_bytecode = found["line"] == "1" and file.endswith(_BYTECODE)
    return _line(found, file, function, 0 if is_bytecode else 1)


def _line(found: re.Match[str], file: str, function: str, starts_at: int = 1) -> ReportedLine:
    column = int(found["column"]) if found["column"] else None
    return ReportedLine(file, int(found["line"]), column, function, starts_at)
