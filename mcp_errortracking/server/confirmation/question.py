"""The question that a person is asked before a write.

Its sentences are this server's. Values come from PostHog's data and from the model: each is JSON on one line, so that
none can end its line, close its quotes, or imitate a sentence of the question.
"""

import re
from typing import Any

from mcp_errortracking.posthog_keys import redact
from mcp_errortracking.safe_text.escaping import break_tags
from mcp_errortracking.server.cells import Cells, name, one_line
from mcp_errortracking.server.confirmation.preview import ABSENT, Change, Preview, Target

_LONGEST_VALUE = 600
"""Characters; a longer value is cut to half of that."""
_MOST_TARGETS, _MOST_CHANGES = 10, 20
_LONGEST_NAME = 100
_MARKUP = re.compile(r"\](?=[(\[:])|<(?=\w+:)|`")
"""Marks of links, pictures and code, for clients that show a question as Markdown."""


def compose_question(preview: Preview, *, host: str, project: str, effect: str = "") -> str:
    """Return the question, a line for each part.

    Args:
        effect: a sentence on the effect of the call, such as the number of exceptions that a rule would take.
    """
    cells = Cells(_LONGEST_VALUE)
    where = f"project {one_line(project, _LONGEST_NAME)} of {one_line(host, _LONGEST_NAME)}"
    parts = [f'Allow "{preview.call.title}" ({preview.call.tool}) in {where}?']
    for target in preview.targets[:_MOST_TARGETS]:
        parts += _lines(target, cells)
    if len(preview.targets) > _MOST_TARGETS:
        parts.append(f"- and {len(preview.targets) - _MOST_TARGETS} more")
    if effect:
        parts.append(_without_markup(one_line(effect)))
    parts.append(preview.loss)
    if cells.is_cut:
        parts.append("A value that ends in … is cut.")
    return redact("\n".join(parts))


def _lines(target: Target, cells: Cells) -> list[str]:
    label = target.noun
    if target.name:
        is_short = len(target.name) <= _LONGEST_NAME
        label += f" {_shown(target.name if is_short else f'{target.name[:_LONGEST_NAME]}…', cells)}"
    if target.id:
        label += f" ({_without_markup(one_line(target.id, _LONGEST_NAME))})"
    if target.role:
        label = f"{target.role}: {label}"
    if target.noun == "call":
        lines, indent = list[str](), ""
    else:
        lines, indent = [f"- {label}"], "  "
    lines += [f"{indent}- {_in_words(change, cells)}" for change in target.changes[:_MOST_CHANGES]]
    if len(target.changes) > _MOST_CHANGES:
        lines.append(f"{indent}- and {len(target.changes) - _MOST_CHANGES} more fields")
    return lines


def _in_words(change: Change, cells: Cells) -> str:
    field = _without_markup(name(change.field))
    if change.after is ABSENT:
        return f"{field}: {_shown(change.before, cells)}, deleted"
    if change.before is ABSENT:
        return f"{field}: {_shown(change.after, cells)}"
    if change.before == change.after:
        return f"{field}: {_shown(change.after, cells)}, as it is"
    return f"{field}: from {_shown(change.before, cells)} to {_shown(change.after, cells)}"


def _shown(value: Any, cells: Cells) -> str:
    """Return a value on one line: filters as an expression, all else as JSON."""
    return _without_markup(break_tags(cells.cell(value) if isinstance(value, dict) else cells.json(value)))


def _without_markup(text: str) -> str:
    """Return a text without marks that a client would show as a link, a picture or code."""
    return _MARKUP.sub(lambda mark: "'" if mark[0] == "`" else f"{mark[0]} ", text)
