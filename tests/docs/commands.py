"""The commands in the pages of the documentation: those of blocks for a shell, and those in a line of text."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = "mcp-errortracking"
_BLOCK = re.compile(r"^ *```(?P<kind>\w*)\n(?P<text>.*?)^ *```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_SHELLS = ("sh", "bash", "shell", "console", "powershell")
_OPERATORS = {"|", "||", "&&", ";", "&"}
_WITH_OPTION = re.compile(r"[\w./][\w./-]*(?: [\w./@:=-]+)* --?[a-z]")
"""A word, and behind it an option: in a line of text, that can only be a command."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command on a page."""

    page: str
    words: tuple[str, ...]
    stdin: str = ""
    """The text that `echo`, or a literal of PowerShell, passes to it."""
    is_inline: bool = False

    def __str__(self) -> str:
        return f"{self.page}: {' '.join(self.words)}"


def pages() -> list[Path]:
    """Return the pages that users read."""
    return [
        *(ROOT / f"{name}.md" for name in ("README", "SECURITY", "CONTRIBUTING")),
        *sorted(ROOT.glob("docs/**/*.md")),
    ]


def commands(programs: frozenset[str], parts: frozenset[str]) -> list[Command]:
    """Return all commands of all pages.

    Args:
        programs: names by which a command in a line of text begins.
        parts: our own commands, which a line of text may name without the program.
    """
    return [one for page in pages() for one in _commands_of(page, programs, parts)]


def _commands_of(page: Path, programs: frozenset[str], parts: frozenset[str]) -> Iterator[Command]:
    name, text = page.relative_to(ROOT).as_posix(), page.read_text("utf-8")
    for block in _BLOCK.finditer(text):
        if block["kind"] in _SHELLS:
            shown = block["text"].replace("\\", "/") if block["kind"] == "powershell" else block["text"]
            yield from (Command(name, tuple(words), stdin) for words, stdin in lines_of(shown))
    for code in _INLINE.findall(_BLOCK.sub("", text)):
        first, _, rest = code.partition(" ")
        if first in parts and rest:
            code = f"{OURS} {code}"
        elif not ((rest and first in programs) or first.startswith(".ci/") or _WITH_OPTION.match(code)):
            continue
        yield from (Command(name, tuple(words), is_inline=True) for words, _ in lines_of(code))


def lines_of(script: str) -> Iterator[tuple[list[str], str]]:
    """Return the words and the input of each command of a script, without redirections.

    A quoted text may have several lines.
    """
    buffer = ""
    for line in script.splitlines():
        buffer = f"{buffer}\n{line}" if buffer else line
        try:
            shlex.split(buffer, comments=True)
        except ValueError:
            continue
        yield from _split(buffer)
        buffer = ""
    assert not buffer, f"a quotation without an end: {buffer}"


def _split(line: str) -> Iterator[tuple[list[str], str]]:
    reader = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    reader.whitespace_split = True
    words, stdin = list[str](), ""
    tokens = iter(reader)
    for token in tokens:
        if token in _OPERATORS:
            yield words, stdin
            stdin = words[-1] if token == "|" else ""
            words = []
        elif token.startswith((">", "<")):
            next(tokens, None)
        else:
            words.append(token)
    if words:
        yield words, stdin
