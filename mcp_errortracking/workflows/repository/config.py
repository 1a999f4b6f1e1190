"""Settings of a git configuration file, without the files that it includes."""

import re
from collections.abc import Iterator

_SECTION = re.compile(r'\[\s*+([\w.-]++)(?:\s++"((?:[^"\\\n]|\\.)*+)")?\s*+\]')
_NAME = re.compile(r"([A-Za-z][\w-]*+)[ \t]*+(=?)[ \t]*+")
_ESCAPED = {"n": "\n", "t": "\t", "b": "\b", '"': '"', "\\": "\\"}


def setting(text: str, section: str, subsection: str, name: str) -> str | None:
    """Return the last value of `section.subsection.name`, or None if there is none or the file is broken."""
    found: str | None = None
    inside, at = False, 0
    while at < len(text):
        if text[at].isspace() or text[at] == "\ufeff":
            at += 1
        elif text[at] in "#;":
            at = _end_of_line(text, at)
        elif header := _SECTION.match(text, at):
            inside = _is_section(header, section, subsection)
            at = header.end()
        elif key := _NAME.match(text, at):
            value, at = _value(text, key.end()) if key[2] else ("", _end_of_line(text, key.end()))
            if value is None:
                return None
            if inside and key[1].lower() == name:
                found = value
        else:
            return None
    return found


def subsections(text: str, section: str) -> Iterator[str]:
    """Yield the names of the subsections that lines of a configuration file may begin, in order."""
    for line in text.splitlines():
        header = _SECTION.match(line.strip())
        if header and header[2] is not None and header[1].lower() == section:
            yield re.sub(r"\\(.)", r"\1", header[2])


def _is_section(header: re.Match[str], section: str, subsection: str) -> bool:
    if header[2] is None:
        return header[1].lower() == f"{section}.{subsection}"
    return header[1].lower() == section and re.sub(r"\\(.)", r"\1", header[2]) == subsection


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def _value(text: str, at: int) -> tuple[str | None, int]:
    """Return the value that starts here, None if it is broken, and where the next line starts."""
    letters, quoted, kept = list[str](), False, 0  # kept: trailing blanks are dropped, unless quoted
    while at < len(text):
        letter = text[at]
        at += 1
        if letter == "\n":
            break
        if letter == "\\":
            escaped = text[at : at + 1]
            at += 1
            if escaped == "\n":
                continue
            if escaped not in _ESCAPED:
                return None, at
            letter = _ESCAPED[escaped]
        elif letter == '"':
            quoted = not quoted
            kept = len(letters)
            continue
        elif letter in "#;" and not quoted:
            at = _end_of_line(text, at)
            break
        letters.append(letter)
        if quoted or not letter.isspace():
            kept = len(letters)
    return (None if quoted else "".join(letters[:kept])), at
