"""Record which patterns Rust's `regex` crate takes, and where they match: `python -m tests.rules.record_rust_regex`.

Needs the package regex-rs 0.2.4, a binding of the crate that is no longer kept and therefore no dependency.
"""

import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.rules.patterns import ATOMS, LETTERS, PATTERNS, TEXTS

FILE = Path(__file__).with_name("rust_regex.json")
_GENERATED = 700


def generated() -> list[tuple[str, list[str]]]:
    """Return patterns of random atoms with texts, always the same."""
    chance = random.Random(7)
    return [
        (
            "".join(chance.choices(ATOMS, k=chance.randint(1, 9))),
            ["".join(chance.choices(LETTERS, k=chance.randint(0, 7))) for _ in range(5)],
        )
        for _ in range(_GENERATED)
    ]


def record(compile_: Callable[[str], Any]) -> list[dict[str, Any]]:
    """Return an entry for each pattern: the texts in which it matches, or the crate's reason to refuse it."""
    entries = list[dict[str, Any]]()
    for pattern, texts in [*((pattern, TEXTS) for pattern in PATTERNS), *generated()]:
        try:
            regex = compile_(pattern)
        except Exception as error:  # the binding has no class of errors
            entries.append({"pattern": pattern, "reason": str(error).rpartition("error: ")[2].strip()})
        else:
            entries.append({"pattern": pattern, "matches": [regex.find(text) is not None for text in texts]})
    return entries


if __name__ == "__main__":
    sys.path[:0] = sys.argv[1:]
    from regex_rs import Regex  # pyright: ignore

    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in record(Regex))  # pyright: ignore
    FILE.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
