"""YAML 1.2 from outside, read within bounds: without aliases, tags, merge keys and duplicate keys, and with lines."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from typing import Any, cast

from mcp_errortracking.safe_text.escaping import clean
from mcp_errortracking.workflows.rules_file.errors import MissingYamlError, RulesFileError

_MOST_BYTES = 1024 * 1024
_MOST_DEPTH = 50
_MOST_NODES = 100_000
_LONGEST_TEXT = 200

Place = tuple[int, int]
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class YamlText:
    """A document: plain JSON data, and the place of each of its nodes.

    Attributes:
        name: of the file, for errors.
        places: line and column, from 0, by the path of a node.
        in_line: the paths of mappings written as `{...}`.
    """

    name: str
    data: Any
    places: dict[Path, Place] = field(default_factory=dict[Path, Place])
    in_line: set[Path] = field(default_factory=set[Path])

    def line(self, path: Path) -> int:
        """Return the line, from 1, of a node; of one that is missing, that of the nearest node around it."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, (0, 0))[0] + 1

    def problem(self, path: Path, text: str) -> str:
        """Return a problem with its line, on one line: it may quote the file."""
        return clean(f"{self.name}:{self.line(path)}: {text}")


def read_yaml(content: bytes, name: str) -> YamlText:
    """Read a document.

    Raises:
        RulesFileError: it is too large or too deep, or no plain YAML.
        MissingYamlError: ruamel.yaml is not installed.
    """
    if len(content) > _MOST_BYTES:
        raise RulesFileError(f"{name}: larger than {_MOST_BYTES >> 20} MiB.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RulesFileError(f"{name}: not UTF-8.") from None
    library = _library()
    try:
        _check_events(library, text, name)
        root: Any = library.YAML(typ="rt", pure=True).load(text)
    except library.error.YAMLError as error:
        mark: Any = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark is not None else ""
        problem = str(getattr(error, "problem", None) or "a character that YAML does not allow")
        raise RulesFileError(f"{name}{line}: not valid YAML: {clean(problem, _LONGEST_TEXT)}.") from None
    except (ValueError, OverflowError) as error:  # a number or date that Python cannot read
        raise RulesFileError(f"{name}: not valid YAML: {clean(str(error), _LONGEST_TEXT)}.") from None
    read = YamlText(name, None)
    return YamlText(name, _plain(root, (), read), read.places, read.in_line)


def write_yaml(data: Mapping[str, Any], comments: Mapping[Path, str] | None = None, header: str = "") -> str:
    """Return data as YAML, of which people see every character: what is invisible or misleading is an escape.

    Args:
        comments: to be written before list entries, by their path; lines without `#`.
        header: the comment at the beginning.
    """
    library = _library()
    yaml = library.YAML(typ="rt", pure=True)
    yaml.width = 1_000_000  # a pattern stays on one line
    yaml.allow_unicode = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    root = _commented(library, data)
    for path, comment in (comments or {}).items():
        parent = root
        for step in path[:-1]:
            parent = parent[step]
        parent.yaml_set_comment_before_after_key(path[-1], before=_one_a_line(comment), indent=2 * (len(path) - 1))
    stream = StringIO()
    yaml.dump(root, stream)
    written = "\n".join(map(_visible, stream.getvalue().split("\n")))
    return "".join(f"# {line}\n" for line in _one_a_line(header).splitlines()) + written


def _visible(line: str) -> str:
    """Return a line of YAML with escapes for unfit characters: all of them are in quotes."""
    if clean(line) == line:
        return line
    return "".join(one if clean(one) == one else f"\\U{ord(one):08x}" for one in line)


def _library() -> Any:
    try:
        import ruamel.yaml
    except ImportError:
        raise MissingYamlError from None
    return ruamel.yaml


def _check_events(library: Any, text: str, name: str) -> None:
    """Refuse what makes a document larger than its text, or other than it looks, before any of it is built."""
    depth = 0
    for count, event in enumerate(library.YAML(typ="rt", pure=True).parse(text)):
        kind = type(event).__name__
        depth += kind in ("MappingStartEvent", "SequenceStartEvent")
        depth -= kind in ("MappingEndEvent", "SequenceEndEvent")
        reason = ""
        if kind == "AliasEvent" or getattr(event, "anchor", None) is not None:
            reason = "anchors and aliases (& and *) are not allowed: write the value out"
        elif getattr(event, "ctag", None) is not None:
            reason = "tags (!) are not allowed"
        elif kind == "ScalarEvent" and event.value == "<<" and event.style is None:
            reason = "merge keys (<<) are not allowed: write the members out"
        elif depth > _MOST_DEPTH:
            reason = f"nested more than {_MOST_DEPTH} deep"
        elif count > _MOST_NODES:
            reason = f"more than {_MOST_NODES} values: use several files"
        if reason:
            raise RulesFileError(f"{name}:{event.start_mark.line + 1}: {reason}.")


def _plain(node: Any, path: Path, read: YamlText) -> Any:
    """Return a node as JSON data, and note the places of all nodes in it."""
    if isinstance(node, dict):
        mapping = cast("Any", node)
        read.places.setdefault(path, (mapping.lc.line, mapping.lc.col))
        if mapping.fa.flow_style():
            read.in_line.add(path)
        found = dict[str, Any]()
        for key, value in mapping.items():
            if not isinstance(key, str):
                raise RulesFileError(read.problem(path, f"the key {clean(str(key), _LONGEST_TEXT)} is not a text."))
            place: Path = (*path, str(key))
            line, column = mapping.lc.key(key)
            read.places[place] = (line, column)
            found[str(key)] = _plain(value, place, read)
        return found
    if isinstance(node, list):
        entries = cast("Any", node)
        for index in range(len(entries)):
            line, column = entries.lc.item(index)
            read.places[(*path, index)] = (line, column)
        return [_plain(entry, (*path, index), read) for index, entry in enumerate(entries)]
    if node is None or isinstance(node, bool):
        return node
    if isinstance(node, str):
        return str(node)
    if isinstance(node, int):
        return int(node)
    if isinstance(node, float) and math.isfinite(node):
        return float(node)
    raise RulesFileError(read.problem(path, "not a text, a number, or true or false: quote it."))


def _commented(library: Any, data: Any) -> Any:
    """Return data as nodes of the library: conditions and short lists on a line each, everything else in block form."""
    if isinstance(data, Mapping):
        members = cast("Mapping[str, Any]", data)
        mapping = library.comments.CommentedMap(
            (_commented(library, key), _commented(library, value)) for key, value in members.items()
        )
        is_leaf = not any(isinstance(value, Mapping) or _is_long(value) for value in members.values())
        if is_leaf and "values" not in members:
            mapping.fa.set_flow_style()
        return mapping
    if isinstance(data, Sequence) and not isinstance(data, str):
        entries = cast("Sequence[Any]", data)
        sequence = library.comments.CommentedSeq(_commented(library, entry) for entry in entries)
        if not _is_long(data):
            sequence.fa.set_flow_style()
        return sequence
    if isinstance(data, str) and clean(data) != data:
        return library.scalarstring.DoubleQuotedScalarString(data)
    return data


def _is_long(value: Any) -> bool:
    """True for a list that is not written on one line."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return False
    return len(cast("Sequence[Any]", value)) > 8 or any(
        isinstance(entry, Mapping | list) for entry in cast("Sequence[Any]", value)
    )


def _one_a_line(text: str) -> str:
    """Return a comment without characters that would end it."""
    return "\n".join(clean(line) for line in text.splitlines())
