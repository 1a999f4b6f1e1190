"""Rendering of a result for an agent: few tokens, and every field that it needs to act.

A list of objects becomes a tab-separated table: column names once, and values equal in every row once. Any other object
becomes a line for each field. Times are cut to whole seconds, in a table to whole minutes; the column name has their
common part (UTC, the year).

The work is linear in the answer, and bounded by the tokens of the text: what cannot fit is not processed.
"""

import re
import sys
from itertools import chain
from operator import itemgetter
from typing import Any, cast

from mcp_errortracking.catalog.endpoint import Lines
from mcp_errortracking.safe_text.escaping import break_tags, clean
from mcp_errortracking.server.cells import Cells, name
from mcp_errortracking.server.token_estimate import surely_beyond, surely_within, upper_bound

_ROOM_FOR_NOTE = 48
_LONGEST_NOTE = 4000
_SECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)

_CHARACTERS = 2
"""Characters of one value for each token; a longer value is cut."""
_WORK = 16
"""Characters of all values and names that are formatted for each token, before those that do not fit are left out."""
_LEAST_WORK = 50_000
_STEP = 16
"""Characters that each value counts in addition to its own."""
_DEEPEST = 6
"""Levels of nested objects that are shown as lines; deeper ones are JSON."""
_SPARSE = 4
"""Cells of a table for each value in it; a sparser table has its rows as JSON."""


def render(
    data: dict[str, Any],
    notes: list[str],
    *,
    max_tokens: int | None = None,
    is_raisable: bool = True,
    offset: int | None = None,
) -> str:
    """Return the text of a result: its data, then the notes, one per line.

    Args:
        max_tokens: a longer text is cut, rows first, and a note says how to get the rest.
        is_raisable: the caller can ask for more tokens.
        offset: the first row that the caller asked for; None: the tool has no offset.
    """
    layout = _Layout(max_tokens)
    is_page = isinstance(data.get("results"), list)
    head, lines = layout.page(data) if is_page else ([], layout.fields(data))
    noted = [f"Note: {break_tags(clean(note, _LONGEST_NOTE))}" for note in notes]
    if layout.cells.is_cut:
        more = "Raise max_tokens" if is_raisable else "This server's operator can raise --max-result-tokens"
        noted.append(
            f"Note: A value that ends in … is cut at {layout.cells.kept} characters. {more} to see more of it."
        )
    if max_tokens is not None:
        room = max_tokens - upper_bound("\n".join(noted)) - _ROOM_FOR_NOTE
        kept = _fitting([*head, *lines], room)
        if kept < len(head) + len(lines) or layout.is_cut:
            end = ", or raise max_tokens." if is_raisable else "."
            noted.append(f"Note: {layout.omission(data, head, lines, kept, max_tokens, offset)}{end}")
            head, lines = head[:kept], lines[: max(kept - len(head), 0)]
    return "\n".join([*head, *lines, *noted]) or "Done."


def _fitting(lines: list[str], tokens: int) -> int:
    """Return the number of lines, from the first on, that fit into these tokens."""
    if surely_within(lines, tokens):
        return len(lines)
    for index, line in enumerate(lines):
        if surely_beyond(line, tokens):
            return index
        tokens -= upper_bound(line) + 1
        if tokens < 0:
            return index
    return len(lines)


class _Layout:
    """Formats the lines of a result until its budget of work is spent."""

    def __init__(self, max_tokens: int | None) -> None:
        bound = sys.maxsize if max_tokens is None else max_tokens
        self.cells = Cells(_CHARACTERS * bound)
        self.is_cut = False
        """True if something was left out because the budget was spent."""
        self._work = max(_WORK * bound, _LEAST_WORK)
        self._shown_rows = -1

    def omission(
        self, data: dict[str, Any], head: list[str], lines: list[str], kept: int, max_tokens: int, offset: int | None
    ) -> str:
        """Return a note that says what is missing from the text, and how to get it."""
        rows = cast("list[Any]", data.get("results") or [])
        rows_kept = kept - len(head)
        bound = f"left out to stay within {max_tokens} tokens"
        if rows_kept >= 0 and len(lines) == self._shown_rows:  # a line each
            how = f"Continue with offset {offset + rows_kept}" if offset is not None and rows_kept else "Ask for less"
            return f"{len(rows) - rows_kept} more rows {bound}. {how}"
        missing = len(head) + len(lines) - kept
        return f"{'The rest is' if self.is_cut else f'{missing} more lines'} {bound}. Ask for less"

    def page(self, page: dict[str, Any]) -> tuple[list[str], list[str]]:
        """Return the lines above the rows, and the rows: a line each, or several if one has `Lines`."""
        rows = cast("list[Any]", page["results"])
        count, following = page.get("count"), page.get("next_offset")
        head = (
            f"{len(rows)} of {count}" if isinstance(count, int) else f"{len(rows)} row{'' if len(rows) == 1 else 's'}"
        )
        if following is not None:
            head += f"; next page: offset {self.cells.value(following)}"
        rest = {field: value for field, value in page.items() if field not in ("count", "next_offset", "results")}
        above = [head, *self.fields(rest)]
        if _is_rows(rows) and any(tuple in map(type, row.values()) for row in cast("list[dict[str, Any]]", rows)):
            return above, self._blocks(rows)
        columns, lines = self.table(rows) if _is_rows(rows) else ([], self._as_json(rows))
        self._shown_rows = len(lines)
        return above + columns, lines

    def fields(self, data: dict[str, Any], indent: str = "") -> list[str]:
        """Return one or more lines for each field."""
        lines = list[str]()
        for field, value in data.items():
            if not self._has_work():
                break
            label = f"{indent}{name(field)}:"
            if isinstance(value, tuple):
                lines += [label, *self._block(cast("Lines", value), indent)]
            elif _is_rows(value):
                above, rows = self.table(cast("list[dict[str, Any]]", value))
                lines += [label, *(f"{indent}  {row}" for row in above + rows)]
            elif _is_nested(value) and len(indent) < 2 * _DEEPEST:
                lines += [self._spend(label), *self.fields(cast("dict[str, Any]", value), f"{indent}  ")]
            else:
                lines.append(self._spend(f"{label} {self.cells.value(value)}"))
        return lines

    def table(self, rows: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
        """Return the lines above a table, and one for each row; no rows if all are equal."""
        cells = self._cells_of(rows)
        columns = dict.fromkeys(chain.from_iterable(cells))
        if len(columns) * len(cells) > _SPARSE * (sum(map(len, cells)) + len(cells)):
            return [], self._as_json(rows[: len(cells)])
        is_full = sum(map(len, cells)) == len(columns) * len(cells)  # every row has every field
        values: dict[str, set[str | None]] = {
            field: set(map(itemgetter(field), cells)) if is_full else {row.get(field) for row in cells}
            for field in columns
        }
        shared = [field for field in columns if len(cells) > 1 and len(values[field]) == 1]
        every = "every row" if len(cells) == len(rows) else "every row below"
        above = [f"{every}: {', '.join(f'{name(field)} {cells[0][field]}' for field in shared)}"] if shared else []
        own = [field for field in columns if len(cells) == 1 or len(values[field]) > 1]
        if not own:
            return above, []
        labels = [_label(field, values[field], cells) for field in own]
        if is_full:
            return [*above, "\t".join(labels)], ["\t".join(map(row.__getitem__, own)) for row in cells]
        return [*above, "\t".join(labels)], ["\t".join([row.get(field, "") for field in own]) for row in cells]

    def _cells_of(self, rows: list[dict[str, Any]]) -> list[dict[str, str]]:
        """Return the values of the rows as text: as many rows as the budget allows, at least one."""
        cells, cell, work = list[dict[str, str]](), self.cells.cell, self._work
        for row in rows:
            if work <= 0:
                break
            made = dict[str, str]()
            for field, value in row.items():
                if work <= 0:
                    break
                made[field] = text = cell(value)
                work -= len(text) + _STEP
            if cells and len(made) < len(row):
                break
            cells.append(made)
        self._work = work
        self.is_cut = self.is_cut or len(cells) < len(rows) or len(cells[-1]) < len(rows[-1])
        return cells or [{}]

    def _blocks(self, rows: list[dict[str, Any]]) -> list[str]:
        lines = list[str]()
        for row in rows:
            if not self._has_work():
                break
            lines += ["-", *self.fields(row, "  ")]
        return lines

    def _block(self, block: Lines, indent: str) -> list[str]:
        lines = list[str]()
        for line in block:
            if not self._has_work():
                break
            lines.append(self._spend(f"{indent}  {self.cells.line(line)}"))
        return lines

    def _as_json(self, rows: list[Any]) -> list[str]:
        lines = list[str]()
        for row in rows:
            if not self._has_work():
                break
            lines.append(self._spend(self.cells.json(row)))
        return lines

    def _has_work(self) -> bool:
        self.is_cut = self.is_cut or self._work <= 0
        return self._work > 0

    def _spend(self, text: str) -> str:
        self._work -= len(text) + _STEP
        return text


def _label(field: str, values: set[str | None], cells: list[dict[str, str]]) -> str:
    """Return the name of a column. Times in it are cut to minutes, and the name has their common part."""
    times = {cell for cell in values if cell is not None and cell != "null"}
    if not times or not all(map(_SECONDS.fullmatch, times)):
        return name(field)
    years = {cell[:5] for cell in times}
    year = years.pop() if len(years) == 1 else ""
    for row in cells:
        row[field] = cell[:16].removeprefix(year) if (cell := row.get(field, "")) != "null" else cell
    return f"{name(field)} (UTC{', ' if year else ''}{year[:4]})"


def _is_rows(value: Any) -> bool:
    rows = cast("list[Any]", value) if isinstance(value, list) else []
    return bool(rows) and all(isinstance(row, dict) for row in rows)


def _is_nested(value: Any) -> bool:
    """True if an object contains objects, and is not a group of filters: those stay JSON, to be sent again."""
    if not isinstance(value, dict) or "values" in value:
        return False
    return any(isinstance(inner, dict) for inner in cast("dict[str, Any]", value).values())
