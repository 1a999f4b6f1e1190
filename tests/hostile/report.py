"""Write the table of hostile input in docs/reliability.md from the data of the tests.

python -m tests.hostile.report
"""

from pathlib import Path

from mcp_errortracking.catalog import CATALOG
from tests.hostile import (
    peers,
    test_addresses,
    test_answers,
    test_callers,
    test_checkout,
    test_git,
    test_globs,
    test_json_rpc,
    test_maps,
    test_races,
    test_rules,
    tree,
)

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
_BEGIN, _END = "<!-- hostile -->", "<!-- end of hostile -->"


def table() -> str:
    """Return the kinds of hostile input, how many of each are tried, and by which tests."""
    addresses = sum(map(len, test_addresses.INSIDE.values()))
    rows = [
        ("states in which a peer abandons a connection; then 2,000 of them at once", len(peers.PEERS), "test_peers"),
        ("foreign `Host` values; foreign `Origin` values", _both("FOREIGN_HOSTS", "FOREIGN_ORIGINS"), "test_callers"),
        ("alternative spellings of a path", len(test_callers.OTHER_SPELLINGS), "test_callers"),
        ("forbidden addresses of object storage", addresses, "test_addresses"),
        ("invalid JSON-RPC ids, each with five methods", len(test_json_rpc.WRONG_IDS), "test_json_rpc"),
        ("unknown protocol versions", len(test_json_rpc.UNKNOWN_VERSIONS), "test_json_rpc"),
        ("tools, each string, list and object of which is limited", len(CATALOG), "test_arguments"),
        ("shapes of growing answers", len(test_answers.SHAPES), "test_answers"),
        ("hostile answers over a real socket", len(test_answers.ANSWERS), "test_answers"),
        ("wrong values, at every path of the answer to every tool", len(test_answers.WRONG), "test_answers"),
        ("shapes of growing patterns; of rules too large to check whole", _rules(), "test_rules"),
        ("texts that imitate notes or turns; conversation markers", _texts(), "test_answers"),
        (
            "ways to start the server in a checkout that shadows every module",
            len(test_checkout.STARTS),
            "test_checkout",
        ),
        ("git settings that name a program or a file", len(test_git.PROGRAMS), "test_git"),
        ("git hooks; paths that lead out of a repository; broken packs", _git(), "test_git"),
        ("tricks in a build folder, such as symlinks and pipes", len(tree.TRICKS), "test_tree"),
        ("operations during which folders and symlinks are swapped at each step", _acts(), "test_races"),
        ("file names in a map that must not be shown", len(test_maps.FOREIGN), "test_maps"),
        ("glob patterns that provoke backtracking", len(test_globs.SLOW), "test_globs"),
    ]
    lines = ["| hostile input | number | tests/hostile/ |", "| --- | ---: | --- |"]
    return "\n".join([*lines, *(f"| {what} | {number} | `{file}.py` |" for what, number, file in rows)])


def _both(*names: str) -> str:
    return "; ".join(str(len(getattr(test_callers, name))) for name in names)


def _texts() -> str:
    return f"{len(test_answers.POSING)}; {len(test_answers.MARKS)}"


def _rules() -> str:
    return f"{len(test_rules.PATTERNS)}; {len(test_rules.LARGE)}"


def _git() -> str:
    return f"{len(test_git.HOOKS)}; {len(test_git.WAYS_OUT)}; {len(test_git.BROKEN)}"


def _acts() -> int:
    return len(test_races.ACTS) + len(test_races.LONG_ACTS)


def with_table(page: str) -> str:
    """Return the page with the current table."""
    head, _, rest = page.partition(_BEGIN)
    _, _, tail = rest.partition(_END)
    return f"{head}{_BEGIN}\n{table()}\n{_END}{tail}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text("utf-8")), "utf-8")
