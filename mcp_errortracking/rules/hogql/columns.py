"""The columns of a query that hold the properties of an event, and its values, which are sent beside its text."""

from typing import Any

from mcp_errortracking.rules.hogql.errors import NotTranslatableError

_MOST_VALUES = 2_000
READABLE = "readable"
"""0 if the database cannot read the event, for example because of a number above 64 bits."""


class Values:
    """The values of a query. PostHog puts each into the place of its name in braces, so that none is read as SQL."""

    def __init__(self) -> None:
        self.by_name: dict[str, Any] = {}
        self._names: dict[tuple[type, Any], str] = {}

    def name(self, value: str | float) -> str:
        """Return the place of a value.

        Raises:
            NotTranslatableError: there are too many.
        """
        key = (type(value), value)
        if key not in self._names:
            name = self._names[key] = f"v{len(self._names)}"
            self.by_name[name] = value
            if len(self.by_name) > _MOST_VALUES:
                raise NotTranslatableError("they have too many values")
        return f"{{{self._names[key]}}}"


class Property:
    """The columns of a property that is not an array key.

    `kind`: the type of its JSON, `Null` if it is missing. `text`: as a text operator of a rule sees it, if it is a
    text, a whole number, a boolean or missing. `number`: its number, else 0. `size`: the bytes of its JSON.
    """

    def __init__(self, number: int, key: str, *, is_hidden: bool) -> None:
        self.kind, self.text, self.number, self.size, self._own, self._raw = (
            f"{name}{number}" for name in ("kind", "text", "number", "size", "own", "raw")
        )
        self._key = key
        self._is_hidden = is_hidden

    def read(self) -> list[str]:
        """Return the columns that are read from an event."""
        if self._is_hidden:  # stored, and not there yet when the rule runs
            return [f"'Null' AS {self.kind}", f"'' AS {self._own}", f"'' AS {self._raw}", f"0 AS {self.number}"]
        of = f"(properties, {self._key})"
        return [
            f"toString(JSONType{of}) AS {self.kind}",
            f"JSONExtractString{of} AS {self._own}",
            f"JSONExtractRaw{of} AS {self._raw}",
            f"JSONExtractFloat{of} AS {self.number}",
        ]

    def made(self) -> list[str]:
        """Return the columns that are made from those."""
        is_printed = f"{self.kind} IN ('Bool', 'Int64', 'UInt64')"
        return [
            *(self.kind, self.number, f"length({self._raw}) AS {self.size}"),
            f"multiIf({self.kind} = 'String', {self._own}, {is_printed}, {self._raw}, 'null') AS {self.text}",
        ]


class Elements:
    """The columns of an array key.

    `texts`: its elements. `odd`: 1 if it is not an array of texts, which ingestion never writes. `size`: of its JSON.
    """

    def __init__(self, number: int, key: str) -> None:
        self.texts, self.odd, self.size, self._form, self._items = (
            f"{name}{number}" for name in ("texts", "odd", "bytes", "form", "items")
        )
        self._key = key

    def read(self) -> list[str]:
        """Return the columns that are read from an event."""
        of = f"(properties, {self._key})"
        return [
            f"toString(JSONType{of}) AS {self._form}",
            f"JSONExtractArrayRaw{of} AS {self._items}",
            f"length(JSONExtractRaw{of}) AS {self.size}",
        ]

    def made(self) -> list[str]:
        """Return the columns that are made from those."""
        is_odd = f"arrayExists(x -> NOT startsWith(x, '\"'), {self._items})"
        return [
            self.size,
            f"arrayMap(x -> JSONExtractString(x), {self._items}) AS {self.texts}",
            f"if({self._form} != 'Array' OR {is_odd}, 1, 0) AS {self.odd}",
        ]
