"""Names of tools that do not exist, and the tools that do what such a name says."""

import re
from collections.abc import Mapping
from difflib import SequenceMatcher

from mcp_errortracking.catalog import Declaration
from mcp_errortracking.catalog.meanings import WITHOUT_TOOL
from mcp_errortracking.server.argument_errors import MAX_COMPARED

_NEAR = 0.75
_MOST = 3
_IN_EVERY_NAME = ("", "error", "tracking", "query", "posthog", "tool", "partial")
_VERBS = {
    **dict.fromkeys(("delete", "remove", "destroy", "drop"), "delete"),
    **dict.fromkeys(("get", "retrieve", "show", "read", "fetch", "view", "detail"), "retrieve"),
    **dict.fromkeys(("update", "edit", "patch", "change", "modify"), "update"),
    **dict.fromkeys(("list", "all", "index"), "list"),
    **dict.fromkeys(("create", "add", "new", "make"), "create"),
    **dict.fromkeys(("reorder", "order", "sort"), "reorder"),
}
"""Verbs of names, and the one of each meaning."""
_OBJECTS: Mapping[tuple[str, ...], tuple[str, ...]] = {
    **{(word, "rule"): ("suppression", "rule") for word in ("ignore", "mute", "silence", "block", "noise")},
    **{(word, "rule"): ("assignment", "rule") for word in ("owner", "ownership", "routing")},
    **{(word,): ("external", "reference") for word in ("ticket", "jira", "linear", "github", "gitlab", "tracker")},
}
"""Users' words for objects, and PostHog's."""


def nearest_tools(name: str, tools: Mapping[str, type[Declaration]]) -> list[str]:
    """Return up to three tools with names near the given one: by shared words, then by spelling.

    A tool that deletes is named only if the name says so and is about the same kind of object, any other destructive
    tool only if it is about the same kind: a caller that guesses may well call what it is offered.
    """
    name = name[:MAX_COMPARED].lower()
    wanted = _in_posthogs_words(_words(name))

    def nearness(tool: str, declaration: type[Declaration]) -> tuple[int, int, int, float]:
        own, meant = _words(tool), _words(" ".join(declaration.meant_by))
        shared, spelling = wanted & (own | meant), SequenceMatcher(None, name, tool)
        says_something = shared - set(_VERBS.values()) or spelling.quick_ratio() > _NEAR
        if not says_something or (declaration.destructive and not _is_offered(wanted, declaration, own | meant)):
            return 0, 0, 0, 0.0
        return len(shared), len(wanted & meant), -len(own - wanted), spelling.ratio()

    scores = {tool: nearness(tool, declaration) for tool, declaration in tools.items()}
    near = [tool for tool, (shared, *_, spelling) in scores.items() if shared or spelling > _NEAR]
    return sorted(near, key=scores.__getitem__, reverse=True)[:_MOST]


def stand_ins(name: str, tools: Mapping[str, type[Declaration]]) -> list[str]:
    """Return up to three of these tools that are near the one with this name, and about the same kind of object."""
    objects = _words(name) - set(_VERBS.values())
    return [tool for tool in nearest_tools(name, tools) if objects & _words(tool)]


def advice_on(name: str, tools: Mapping[str, type[Declaration]]) -> str:
    """Return the advice on a tool that does not exist: the nearest ones, and the arguments that do what was meant."""
    wanted = _words(name[:MAX_COMPARED].lower())
    absent = next((sentence for word, sentence in WITHOUT_TOOL.items() if word in wanted), None)
    if absent is not None and not wanted & {"assign", "unassign"}:
        return f"{absent}."
    near = [_with_arguments(tool, tools[tool], wanted) for tool in nearest_tools(name, tools)]
    return f"The nearest are: {', '.join(near)}." if near else "tools/list names all of them."


def _with_arguments(tool: str, declaration: type[Declaration], wanted: set[str]) -> str:
    how = next((how for word, how in declaration.meant_by.items() if how and _words(word) & wanted), "")
    return f"{tool} ({how})" if how else tool


def _is_offered(wanted: set[str], declaration: type[Declaration], words: set[str]) -> bool:
    is_same_kind = _words(declaration.toolset) <= wanted
    return is_same_kind and ("delete" in wanted) == ("delete" in words & (wanted | _words(declaration.tool)))


def _in_posthogs_words(wanted: set[str]) -> set[str]:
    """Return the words with PostHog's names of the objects in place of users'."""
    for users, posthogs in _OBJECTS.items():
        if wanted.issuperset(users):
            wanted = (wanted - set(users)) | set(posthogs)
    return wanted


def _words(name: str) -> set[str]:
    """Return the words of a tool's name in the singular, each verb in one form, without those in every tool's name."""
    plain = [word.rstrip("s") if len(word) > 3 else word for word in re.split(r"[^a-z]+", name)]
    return {_VERBS.get(word, word) for word in plain if word not in _IN_EVERY_NAME}
