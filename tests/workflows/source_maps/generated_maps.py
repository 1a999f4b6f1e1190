"""Generated source maps, valid and with one mutation each, and the verdicts of PostHog's reader on them."""

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mcp_errortracking.workflows.source_maps.maps.vlq import encode

VERDICTS_FILE = Path(__file__).with_name("generated_verdicts.txt")
"""For each generated map 1 if `symbolic` reads it, 0 if it refuses it; written by `map_oracle`."""
COUNT = 2400
Fields = dict[str, Any]
_TEXTS = ("", "a.ts", "webpack://x/./ü.ts", '"names":[]', "\\", "\U0001f600", "mappings", "{[:,]}")
_VALUES: tuple[Any, ...] = (None, 0, 3, -1, 2**32, 1.5, "3", "", True, [], {}, [None], ["a"], [1], [[]], [-1], [{}])
_DEBUG_IDS = (
    "85314830-023f-4cf1-a267-535f4e37bb17",
    "85314830023F4CF1A267535F4E37BB17",
    "8531-4",
    "x" * 32,
    "8531483a1",
)
_NAMES = (
    "sources", "sourceRoot", "sourcesContent", "names", "rangeMappings", "mappings", "ignoreList", "file", "sections",
    "x_google_ignoreList", "x_facebook_offsets", "x_metro_module_paths", "x_facebook_sources", "debugId", "unknown",
)  # fmt: skip


def generated_maps() -> Iterator[tuple[str, bytes]]:
    """Yield the maps, always the same, each with the kind of its mutation."""
    kinds = list(_MUTATIONS.items())
    for number in range(COUNT):
        chance = random.Random(number)
        fields = _index_map(chance) if number % 5 == 0 else _plain_map(chance)
        kind, mutate = kinds[number % len(kinds)]
        made = mutate(chance, fields)
        yield kind, made if isinstance(made, bytes) else json.dumps(made, ensure_ascii=chance.random() < 0.5).encode()


def _plain_map(chance: random.Random) -> Fields:
    sources, names = chance.randint(1, 4), chance.choice((0, 1, 5, 2000))
    fields: Fields = {
        "version": 3,
        "sources": [chance.choice((*_TEXTS, None)) for _ in range(sources)],
        "names": [chance.choice((*_TEXTS, 1)) for _ in range(names)],
        "mappings": _mappings(chance, sources, names),
    }
    if chance.random() < 0.5:
        fields["sourcesContent"] = [chance.choice((*_TEXTS, None)) for _ in range(sources)]
    if chance.random() < 0.2:
        fields |= {"ignoreList": [0], "sourceRoot": "x", "file": "main.js", "debugId": _DEBUG_IDS[0]}
    return fields


def _index_map(chance: random.Random) -> Fields:
    offsets = sorted((chance.randint(0, 9), chance.randint(0, 9)) for _ in range(chance.randint(1, 3)))
    nested = [_plain_map(chance) for _ in offsets]
    return {
        "version": 3,
        "sections": [
            {"offset": {"line": line, "column": column}, "map": one}
            for (line, column), one in zip(offsets, nested, strict=True)
        ],
    }


def _mappings(chance: random.Random, sources: int, names: int) -> str:
    made: list[str] = []
    source = name = 0
    for _ in range(chance.randint(1, 60)):
        segment = [chance.choice((0, 1, 7, 90, 70_000))]
        if chance.random() < 0.9:
            wanted = chance.randrange(sources) if chance.random() < 0.3 else source
            segment += [wanted - source, chance.randint(0, 40), chance.randint(0, 600)]
            source = wanted
            if names and chance.random() < 0.5:
                wanted = chance.randrange(names)
                segment.append(wanted - name)
                name = wanted
        made.append("".join(map(encode, segment)))
    return "".join(f"{segment}{chance.choice(',,,,;')}" for segment in made)


def _inner(fields: Fields) -> Fields:
    return fields["sections"][-1]["map"] if fields.get("sections") else fields


def _with_segment(segment: str) -> Callable[[random.Random, Fields], Any]:
    def mutate(chance: random.Random, fields: Fields) -> Any:
        inner = _inner(fields)
        segments = inner["mappings"].split(",")
        segments.insert(chance.randint(0, len(segments)), segment)
        inner["mappings"] = ",".join(segments)
        return fields

    return mutate


def _numbers(chance: random.Random, fields: Fields) -> Any:
    """Put in a segment of any count of numbers."""
    return _with_segment("".join(encode(0) for _ in range(chance.randint(0, 8))))(chance, fields)


def _index(chance: random.Random, fields: Fields) -> Any:
    """Move one index, so that it or a later one may be out of bounds."""
    step = chance.choice((-2001, -5, -1, 1, 2, 5, 2000))
    segment = [0, step, 0, 0] if chance.random() < 0.5 else [0, 0, 0, 0, step]
    return _with_segment("".join(map(encode, segment)))(chance, fields)


def _field(chance: random.Random, fields: Fields) -> Any:
    _inner(fields)[chance.choice(_NAMES)] = chance.choice(_VALUES)
    return fields


def _debug_id(chance: random.Random, fields: Fields) -> Any:
    fields[chance.choice(("debugId", "debug_id"))] = chance.choice(_DEBUG_IDS)
    return fields


def _doubled(chance: random.Random, fields: Fields) -> Any:
    inner = json.dumps(_inner(fields))
    name = chance.choice(("names", "mappings", "sources", "unknown", "debugId", "n\\u0061mes", "version", "chunk_id"))
    value = {"mappings": '""', "version": "3", "debugId": f'"{_DEBUG_IDS[0]}"', "chunk_id": '"x"'}.get(name, "[]")
    whole = json.dumps(fields)
    return whole.replace(inner, f'{{"{name}":{value},{inner[1:]}').encode()


def _section(chance: random.Random, fields: Fields) -> Any:
    if "sections" not in fields:
        fields = {"version": 3, "sections": [{"offset": {"line": 0, "column": 0}, "map": fields}]}
    section = chance.choice(fields["sections"])
    where = section if chance.random() < 0.5 else section["offset"]
    name = chance.choice(("map", "url", "offset") if where is section else ("line", "column"))
    where[name] = chance.choice(_VALUES)
    return fields


def _text(chance: random.Random, fields: Fields) -> Any:
    made = json.dumps(fields).encode()
    ends = ((b"\xef\xbb\xbf", b""), (b")]}'\n", b""), (b")]}'", b""), (b")]}'\r\n", b""), (b" ", b"\n"), (b"", b"x"))
    before, after = chance.choice(ends)
    return before + made + after


def _value(chance: random.Random, fields: Fields) -> Any:
    deep = chance.choice((100, 124, 126, 127, 140))
    values = (
        b"NaN",
        b"1e999",
        b"1" + b"0" * 400,
        b"1" * 30,
        b"-1",
        b'"\\ud800"',
        b'"\\ud83d\\ude00"',
        b"[" * deep + b"]" * deep,
    )
    return b'{"unknown":' + chance.choice(values) + b"," + json.dumps(fields).encode()[1:]


def _digits(chance: random.Random, fields: Fields) -> Any:
    letters = chance.choice(
        ("g" * chance.randint(1, 15) + chance.choice("ABf"), "A" * 4 + "g", "AAA?", "?AAAA", "gA", "hA")
    )
    return _with_segment(letters)(chance, fields)


_MUTATIONS: dict[str, Callable[[random.Random, Fields], Any]] = {
    "none": lambda _, fields: fields,
    "numbers of a segment": _numbers,
    "index": _index,
    "other index": _index,
    "type of a field": _field,
    "debug id": _debug_id,
    "doubled name": _doubled,
    "section": _section,
    "text": _text,
    "value": _value,
    "digits": _digits,
}
