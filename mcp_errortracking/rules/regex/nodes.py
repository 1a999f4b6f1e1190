"""The tree of a parsed pattern."""

from dataclasses import dataclass

from mcp_errortracking.rules.regex.characters import CharacterSet


@dataclass(frozen=True, slots=True)
class Character:
    """One character of a set."""

    set: CharacterSet


@dataclass(frozen=True, slots=True)
class Look:
    """A condition on the place between two characters: `start`, `end`, `line_start`, `line_end`, `word`, `no_word`."""

    kind: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """One node after another; without any, the empty text."""

    nodes: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Any of these."""

    nodes: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A node `least` to `most` times; no limit if `most` is None."""

    node: "Node"
    least: int
    most: int | None


Node = Character | Look | Sequence | Choice | Repeat
