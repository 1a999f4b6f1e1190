"""The prefixes of a repository's paths in PostHog's `source` values, learnt by comparison (rule contract 4.3)."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Learnt:
    """The prefixes, and the folders that sources leave out, each with the number of sources that show it.

    Attributes:
        unmatched: sources that no file of the repository ends.
        examples: a source for each prefix or folder.
    """

    prefixes: Counter[str] = field(default_factory=Counter[str])
    stripped: Counter[str] = field(default_factory=Counter[str])
    unmatched: list[str] = field(default_factory=list[str])
    examples: dict[str, str] = field(default_factory=dict[str, str])


def learn(sources: Iterable[str], files: set[str]) -> Learnt:
    """Compare sources with files: the longest end of a source that is a file of the repository leaves the prefix."""
    learnt, by_name = Learnt(), dict[str, list[str]]()
    for file in files:
        by_name.setdefault(file.rpartition("/")[2], []).append(file)
    for source in dict.fromkeys(sources):
        path = source.partition("?")[0]
        prefix = _prefix(path, files)
        if prefix is not None:
            learnt.prefixes[prefix] += 1
            learnt.examples.setdefault(prefix, source)
            continue
        owners = [file for file in by_name.get(path.rpartition("/")[2], ()) if file.endswith(f"/{path}")]
        if len(owners) == 1 and "/" in path:
            folder = owners[0].removesuffix(f"/{path}")
            learnt.stripped[folder] += 1
            learnt.prefixes[""] += 1
            learnt.examples.setdefault(f"{folder}/", source)
        else:
            learnt.unmatched.append(source)
    return learnt


def _prefix(path: str, files: set[str]) -> str | None:
    begin = 0
    while True:
        if path[begin:] in files:
            return path[:begin]
        slash = path.find("/", begin)
        if slash < 0:
            return None
        begin = slash + 1
