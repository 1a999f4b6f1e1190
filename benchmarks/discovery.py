"""Tools found by their words: the rank that tool search gives to the right tool, here and with PostHog's own tools.

Clients with many tools show the model only those that a search finds:
- Anthropic's tool search (a BM25 and a regex variant) reads name, description, argument names and argument descriptions
  (platform.claude.com/docs/en/agents-and-tools/tool-use/tool-search-tool); its tokens are not documented.
- FastMCP reads the same fields (gofastmcp.com/servers/transforms/tool-search).
- Codex reads server name, name, title, description and argument names (openai/codex,
  codex-rs/core/src/tools/handlers/{tool_search,mcp}.rs), with the English tokenizer of the crate `bm25`: stems, no stop
  words.

The four fields are ranked here, as one text. The ranking is that of SQLite's FTS5: BM25 with k1 1.2 and b 0.75, on
words stemmed by Porter's rules and without stop words, as in Codex; `PLAIN` has neither, as in FastMCP. FTS5 gives no
weight to a word that most tools have, the crate a small one: with the crate's weights, and without argument
descriptions, the shares of the requests used differ by 2 points at most.

Each file has what people ask, one a line, and after a tab the tools that are right:
- `intents.tsv`: from PostHog's docs, skills, blog and GitHub issues, the issues of getsentry/sentry, and the docs of
  Sentry, Honeybadger, BugSnag and Rollbar. Descriptions were written with these in view.
- `held_out_intents.tsv`: of the same kind. `held_out_intents_2.tsv`: a third, by hash, of the collection that the last
  301 lines of `intents.tsv` are from. Both were ranked when the last description was written. Before a change that was
  made with them in view, move them to `intents.tsv` and write new ones.

The regex variant is not measured: there the model writes the pattern.

python -m benchmarks.discovery    print the section of docs/tokens.md, and each intent that is not held out whose right
                                  tool is not first
"""

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import official
from mcp_errortracking.catalog import TOOLSETS
from mcp_errortracking.server.tools import TOOL_LIST
from mcp_errortracking.workflows.registry import WORKFLOWS

Tools = Sequence[Mapping[str, Any]]

_HERE = Path(__file__).parent
SETS = {
    "used": _HERE / "intents.tsv",
    "held out": _HERE / "held_out_intents.tsv",
    "held out 2": _HERE / "held_out_intents_2.tsv",
}
"""The files of requests, by the name of the set."""

STEMMED, PLAIN = "porter unicode61", "unicode61"
_STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        a about after all am an and any are as at be because been before being but by can did do does doing don
        during each few for from further had has have having he her here hers him his how i if in into is it its
        itself just me more most my no nor not now of off on once only or other our ours out over own same she
        should so some such t than that the their theirs them then there these they this those through to too under
        until up very was we were what when where which while who whom why will with you your yours s
        """,
    )
)


@dataclass(frozen=True, slots=True)
class Intent:
    """A request in a user's words, and the tools that are right for it."""

    words: str
    tools: frozenset[str]
    set: str

    @property
    def held_out(self) -> bool:
        """True if no description was written with the request in view."""
        return self.set != "used"


def intents() -> list[Intent]:
    """Return the intents on file, those that are held out last."""
    return [
        Intent(words, frozenset(tools.split()), name)
        for name, path in SETS.items()
        for words, tools in (line.split("\t") for line in path.read_text("utf-8").splitlines())
    ]


def search_text(tool: Mapping[str, Any]) -> str:
    """Return the text that tool search reads of a tool."""
    return "\n".join([tool["name"], tool["description"], *_arguments(tool["inputSchema"])])


def _arguments(schema: Mapping[str, Any]) -> Iterator[str]:
    for name, argument in schema.get("properties", {}).items():
        yield name
        yield argument.get("description", "")


class Index:
    """A full-text index of a tool list."""

    def __init__(self, tools: Tools, tokenizer: str = STEMMED) -> None:
        self.names = frozenset(tool["name"] for tool in tools)
        self._stop_words = _STOP_WORDS if tokenizer == STEMMED else frozenset[str]()
        self._database = sqlite3.connect(":memory:")
        self._database.execute(f"CREATE VIRTUAL TABLE tools USING fts5(name UNINDEXED, words, tokenize='{tokenizer}')")
        self._database.executemany(
            "INSERT INTO tools VALUES (?, ?)", [(tool["name"], search_text(tool)) for tool in tools]
        )

    def search(self, words: str) -> list[str]:
        """Return the names of the tools that share a word with these, the best first."""
        terms = [word for word in re.findall(r"\w+", words.lower()) if word not in self._stop_words]
        if not terms:
            return []
        query = " OR ".join(f'"{term}"' for term in terms)
        found = self._database.execute("SELECT name FROM tools WHERE tools MATCH ? ORDER BY rank, rowid", (query,))
        return [name for (name,) in found]

    def rank(self, intent: Intent) -> int | None:
        """Return the place, from 1, of the first right tool."""
        return next((i for i, name in enumerate(self.search(intent.words), 1) if name in intent.tools), None)


@dataclass(frozen=True, slots=True)
class Shares:
    """The shares of some intents, in percent, for which the right tool is first, and among the first three."""

    intents: int
    first: float
    three: float

    def cells(self) -> tuple[str, str]:
        """Return the two shares as a table shows them."""
        return f"{self.first:.0f} %", f"{self.three:.0f} %"


def shares(index: Index, asked: Iterable[Intent]) -> Shares:
    """Return the shares of those intents that some tool of the list is right for."""
    ranks = [index.rank(intent) for intent in asked if intent.tools & index.names]
    first, three = (100 * sum(rank is not None and rank <= places for rank in ranks) / len(ranks) for places in (1, 3))
    return Shares(len(ranks), first, three)


def our_lists() -> dict[str, Tools]:
    """Return this server's tool lists by name, with the source-map tools where stdio has them."""
    on_file = {tool["name"]: tool for tool in json.loads(TOOL_LIST.read_text("utf-8"))}
    source_maps = [tool.tool for tool in WORKFLOWS if tool.in_default]
    return {
        "the default set, as over stdio": [on_file[name] for name in (*TOOLSETS["default"], *source_maps)],
        "`--toolsets all`, as over stdio": [
            on_file[name] for name in (*TOOLSETS["all"], *(tool.tool for tool in WORKFLOWS))
        ],
        "the tools that PostHog's own server has too": [on_file[name] for name in TOOLSETS["official"]],
    }


_HEAD = ("list", *(f"{some}: {share}" for some in SETS for share in ("requests", "first", "among three")))


def section() -> list[str]:
    """Return the section of docs/tokens.md."""
    lists = {**our_lists(), f"PostHog's own server ({official.PACKAGE})": official.definitions()}
    asked = intents()
    lines = [
        "## Tool search",
        "",
        "Clients with many tools show the model only those that a search finds. This is the place that BM25 gives to",
        f"the right tool for {len(asked)} requests in users' words, by name, description, argument names and argument",
        "descriptions. Each list is asked for what it has a tool for. The descriptions were written with the requests",
        "*used* (`benchmarks/intents.tsv`) in view, and without those *held out*: `held_out_intents.tsv`, and",
        "`held_out_intents_2.tsv`, a third of a collection of which the rest is among those used.",
        "",
    ]
    searches = (("", STEMMED), ("Without stems and stop words:", PLAIN))
    for title, tokenizer in searches:
        if title:
            lines += [title, ""]
        lines += [f"| {' | '.join(_HEAD)} |", "| --- |" + " ---: |" * 3 * len(SETS)]
        lines += [_row(name, Index(tools, tokenizer), asked) for name, tools in lists.items()]
        lines.append("")
    return lines


def _row(name: str, index: Index, asked: Sequence[Intent]) -> str:
    cells = [name]
    for some in SETS:
        found = shares(index, [intent for intent in asked if intent.set == some])
        cells += [str(found.intents), *found.cells()]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the section and the misses."""
    print("\n".join(section()))
    for name, tools in our_lists().items():
        index = Index(tools)
        print(f"Not first in {name}, of those used:")
        for intent in intents():
            if not intent.held_out and intent.tools & index.names and (rank := index.rank(intent)) != 1:
                print(f"{rank}\t{intent.words}\t{' '.join(index.search(intent.words)[:3])}")


if __name__ == "__main__":
    main()
