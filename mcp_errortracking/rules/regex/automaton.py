"""The search for a pattern: an automaton that is determined while it reads, one step a character.

It answers one question: does the pattern match somewhere in a text? The time is linear in the text, and bounded in the
pattern: there is no pattern that stalls it.
"""

from functools import lru_cache

from mcp_errortracking.rules.folding import fold
from mcp_errortracking.rules.regex.characters import CharacterSet, is_ascii_word, is_word
from mcp_errortracking.rules.regex.nodes import Character, Choice, Look, Node, Repeat, Sequence
from mcp_errortracking.rules.regex.syntax import parse

_MOST_NODES = 20_000
_MOST_WORK = 1_000_000
_MOST_REMEMBERED = 4_096
_MOST_HELD = 100_000  # places and transitions of states: a bound on memory
_SHORT = 512


class TooMuchWorkError(Exception):
    """The pattern is too large to be evaluated here; PostHog may evaluate it."""


class _State(dict[str, "_State"]):
    """The places of the program after some text, and the states that follow, by character."""

    __slots__ = ("before", "places", "program")

    def __init__(self, program: "_Program", places: frozenset[int], before: str) -> None:
        super().__init__()
        self.program = program
        self.places = places
        self.before = before

    def __missing__(self, character: str) -> "_State":
        return self.program.step(self, character)


class _Program:
    """The instructions of a pattern, and the states that a search has made of them."""

    def __init__(self, tree: Node) -> None:
        self._sets = list[tuple[CharacterSet, int] | None]()
        self._jumps = list[tuple[int, ...]]()
        self._looks = list[str]()
        self._has_looks = False
        self._states = dict[tuple[frozenset[int], str], _State]()
        self._held = 0
        self._work = 0
        self.matched = _State(self, frozenset(), "")
        self._accept = self._add()
        self._begin = self._compile(tree, self._accept)
        self.first = self._state(frozenset(), "")

    def _add(self, jumps: tuple[int, ...] = (), look: str = "") -> int:
        self._sets.append(None)
        self._jumps.append(jumps)
        self._looks.append(look)
        if len(self._jumps) > _MOST_NODES:
            raise TooMuchWorkError("the pattern is too large to be evaluated here")
        return len(self._jumps) - 1

    def _compile(self, node: Node, then: int) -> int:
        """Add the instructions of a node that go on at `then`, and return the first."""
        if isinstance(node, Character):
            place = self._add()
            self._sets[place] = (node.set, then)
            return place
        if isinstance(node, Look):
            self._has_looks = True
            return self._add((then,), node.kind)
        if isinstance(node, Sequence):
            for inner in reversed(node.nodes):
                then = self._compile(inner, then)
            return then
        if isinstance(node, Choice):
            return self._add(tuple(self._compile(inner, then) for inner in node.nodes))
        copies = node.least
        if node.most is None:
            loop = self._add()
            begin = self._compile(node.node, loop)
            self._jumps[loop] = (begin, then)
            # The first turn of a loop is one of those needed: a copy of each would double nested ones at every level.
            then, copies = (begin, copies - 1) if copies else (loop, 0)
        else:
            end = then
            for _ in range(node.most - node.least):
                then = self._add((self._compile(node.node, then), end))
        for _ in range(copies):
            then = self._compile(node.node, then)
        return then

    def begin(self) -> _State:
        self._work = 0
        return self.first

    def step(self, state: _State, character: str) -> _State:
        """Return the state after one more character; `matched` if a match ends before it."""
        reached = self._closure(state, character)
        if self._accept in reached:
            following = self.matched
        else:
            places = frozenset(
                entry[1] for place in reached if (entry := self._sets[place]) is not None and entry[0].test(character)
            )
            following = self._state(places, character if self._has_looks else "")
        self._hold(1)
        state[character] = following
        return following

    def accepts(self, state: _State) -> bool:
        """True if the pattern matches at the end of the text."""
        return state is self.matched or self._accept in self._closure(state, "")

    def _state(self, places: frozenset[int], before: str) -> _State:
        key = (places, _kind(before))
        found = self._states.get(key)
        if found is None:
            self._hold(1 + len(places))
            found = self._states[key] = _State(self, places, before)
        return found

    def _hold(self, size: int) -> None:
        """Make room for what is remembered next."""
        self._held += size
        if self._held > _MOST_HELD:
            self._held = size
            self._states.clear()
            self.first.clear()

    def _closure(self, state: _State, following: str) -> set[int]:
        """Return the places that are reached without a further character, from these and from the beginning."""
        reached = set[int]()
        waiting = [self._begin, *state.places]
        while waiting:
            place = waiting.pop()
            if place in reached:
                continue
            reached.add(place)
            look = self._looks[place]
            if not look or _holds(look, state.before, following):
                waiting += self._jumps[place]
        self._work += len(reached)
        if self._work > _MOST_WORK:
            raise TooMuchWorkError("the pattern takes too much work on this text to be evaluated here")
        return reached


def _kind(character: str) -> str:
    """Return all that a later look behind may ask of a character."""
    if not character or character == "\n":
        return character
    return "word" if is_ascii_word(character) else "letter" if is_word(character) else "other"


def _holds(look: str, before: str, following: str) -> bool:
    """True if a look holds between two characters; no character is the beginning, or the end."""
    if look == "start":
        return not before
    if look == "end":
        return not following
    if look == "line_start":
        return not before or before == "\n"
    if look == "line_end":
        return not following or following == "\n"
    test = is_ascii_word if look.endswith("_ascii") else is_word
    is_boundary = (before != "" and test(before)) != (following != "" and test(following))
    return is_boundary == look.startswith("word")


def _trimmed(tree: Node) -> Node:
    """Leave out what may match nothing at both ends: it never decides if there is a match."""
    nodes = tree.nodes if isinstance(tree, Sequence) else (tree,)
    begin, end = 0, len(nodes)
    while begin < end and _may_be_empty(nodes[begin]):
        begin += 1
    while begin < end and _may_be_empty(nodes[end - 1]):
        end -= 1
    return nodes[begin] if end - begin == 1 else Sequence(nodes[begin:end])


def _may_be_empty(node: Node) -> bool:
    return isinstance(node, Repeat) and node.least == 0


def _literal(tree: Node) -> tuple[str, bool, bool]:
    """Return a text that each match contains, if it is compared without case, and if it is the whole pattern."""
    nodes = tree.nodes if isinstance(tree, Sequence) else (tree,)
    runs: list[tuple[list[str], bool]] = [([], False)]
    for node in nodes:
        single = node.set if isinstance(node, Character) and node.set.character else None
        letters, folded = runs[-1]
        if single is None:
            runs.append(([], False))
        elif letters and folded != single.folded and single.character.isalpha():
            runs.append(([single.character], single.folded))
        else:
            letters.append(single.character)
            runs[-1] = (letters, folded or single.folded)
    letters, folded = max(runs, key=lambda run: len(run[0]))
    return "".join(letters), folded, len(runs) == 1


class Regex:
    """A pattern of Rust's dialect, ready to search.

    Raises:
        BadPatternError: Rust refuses the pattern.
        UndecidedError: that depends on the crate's version.
        TooMuchWorkError: it is too large.
    """

    def __init__(self, pattern: str) -> None:
        tree = _trimmed(parse(pattern))
        needed, self._folded, self._is_literal = _literal(tree)
        self._needed = fold(needed) if self._folded else needed
        try:
            self._program = None if self._is_literal else _Program(tree)
        except RecursionError:
            raise TooMuchWorkError("the pattern nests too deep to be evaluated here") from None
        self._answers = dict[str, bool]()

    def is_match(self, text: str) -> bool:
        """True if the pattern matches somewhere in the text.

        Raises:
            TooMuchWorkError: this text and this pattern take too long.
            UndecidedError: the text has characters of which Python has no table.
        """
        if self._needed not in (fold(text) if self._folded else text):
            return False
        if self._program is None:
            return True
        answer = self._answers.get(text)
        if answer is None:
            answer = self._search(self._program, text)
            if len(text) < _SHORT:
                if len(self._answers) >= _MOST_REMEMBERED:
                    self._answers.clear()
                self._answers[text] = answer
        return answer

    def _search(self, program: _Program, text: str) -> bool:
        state, matched = program.begin(), program.matched
        try:
            for character in text:
                state = state[character]
                if state is matched:
                    return True
            return program.accepts(state)
        except RecursionError:
            raise TooMuchWorkError("the pattern nests too deep to be evaluated here") from None


@lru_cache(maxsize=256)
def compiled(pattern: str) -> Regex:
    """Return the search for a pattern, made once."""
    return Regex(pattern)
