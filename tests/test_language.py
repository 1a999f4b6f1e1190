"""The language of the code: docstrings begin plainly everywhere, and retired words stay out of the package."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import mcp_errortracking

PACKAGE = Path(mcp_errortracking.__file__).parent
ROOT = PACKAGE.parent
MODULES = sorted(PACKAGE.rglob("*.py"))
OTHER_MODULES = [
    module for folder in ("benchmarks", "tests", "tools") for module in sorted((ROOT / folder).rglob("*.py"))
]
QUESTION = re.compile(r"(?:What|Whether|How|Who|Whoever|Whose|Which|Where)\b")
"""The beginning of a docstring that uses a question as a noun."""
RETIRED = re.compile(
    r"\b(?:whoever|strangers?|anew|in vain|besides|nought|mend(?:s|ed)?|with a word|(?<!there )is none)\b"
)
"""Words that cost a second reading. Case matters: `is None` is Python."""


def docstrings(module: Path) -> Iterator[tuple[int, str]]:
    """Yield the docstrings of a module, and those of its constants and attributes, each with its line."""
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, inspect.cleandoc(node.value.value)


def questions(module: Path) -> list[str]:
    """Return the docstrings of a module that begin with a question, each with its line."""
    return [f"line {line}: {text.splitlines()[0]}" for line, text in docstrings(module) if QUESTION.match(text)]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.relative_to(PACKAGE).as_posix())
def test_docstrings_begin_plainly_and_no_retired_word_is_used(module: Path) -> None:
    lines = module.read_text("utf-8").splitlines()
    retired = [f"line {number}: {line.strip()}" for number, line in enumerate(lines, 1) if RETIRED.search(line)]

    assert questions(module) == [], "begin with a verb or a noun of the field"
    assert retired == [], "use a plain word"


def test_docstrings_outside_the_package_begin_plainly() -> None:
    found = {module.relative_to(ROOT).as_posix(): questions(module) for module in OTHER_MODULES}
    assert {name: ones for name, ones in found.items() if ones} == {}, "begin with a verb or a noun of the field"
    assert {name.partition("/")[0] for name in found} == {"benchmarks", "tests", "tools"}
