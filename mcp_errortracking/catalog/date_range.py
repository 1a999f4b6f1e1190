"""A range of time as queries take it: relative dates, or ISO 8601 (contract 6.13)."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from mcp_errortracking.catalog import query_meanings
from mcp_errortracking.catalog.dates import suggested

_RELATIVE = re.compile(r"-?(\d{0,9})([sMhdwmqy])(Start|End)?")


def _date(text: str) -> str:
    """Refuse text that is not a date: PostHog would take any letter of it for a unit, and the rest for now."""
    if text == "all" or _RELATIVE.fullmatch(text) or _moment(text):
        return text
    raise PydanticCustomError(
        "no_date",
        "expected a date like -24h, -7d, -1dStart, all, or 2026-06-01T00:00:00Z{meant}",
        {"meant": suggested(text)},
    )


Date = Annotated[str, AfterValidator(_date)]


class DateRange(BaseModel):
    """From when to when."""

    model_config = ConfigDict(extra="forbid", defer_build=True, hide_input_in_errors=True)

    date_from: Date | None = Field(default=None, description="-24h, -7d, -3m, all, ISO 8601. Default -7d.")
    date_to: Date | None = Field(default=None, description="ISO 8601.")

    @model_validator(mode="before")
    @classmethod
    def without_blanks(cls, given: Any) -> Any:
        """Drop null and blank texts, which clients in strict mode fill in: PostHog refuses a null date_from."""
        members: Any = given
        if not isinstance(given, dict):
            return members
        dates: dict[str, Any] = members
        return {name: value for name, value in dates.items() if not _is_blank(value)}

    meant: ClassVar[Mapping[str, str]] = query_meanings.DATES

    @model_validator(mode="after")
    def forwards(self) -> "DateRange":
        """Refuses a range that certainly ends before it begins, which PostHog answers with nothing at all."""
        if self.date_from is not None and self.date_to is not None and _is_backwards(self.date_from, self.date_to):
            raise PydanticCustomError("backwards", "date_to does not lie after date_from: swap them")
        return self


Range = Annotated[DateRange, Field(examples=[{"date_from": "-30d"}])]


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value.strip() in ("", "null"))


def _is_backwards(begin: str, end: str) -> bool:
    """True if an absolute date does not lie after another, in any time zone. PostHog reads relative ones forward."""
    start, stop = _moment(begin), _moment(end)
    if start is None or stop is None or (start.tzinfo is None) != (stop.tzinfo is None):
        return False
    return stop <= start if start.tzinfo else stop.date() < start.date()


def note_on_end(dates: DateRange | None) -> list[str]:
    """Return a note on a relative date_to that looks like the past: PostHog reads it forward (contract 6.13)."""
    end = (dates.date_to if dates else None) or ""
    if not (end.startswith("-") and _RELATIVE.fullmatch(end)):
        return []
    return [
        f"date_to {end}: PostHog reads a relative date_to forward, so this range ends after now. To end it in the "
        "past, give a time in ISO 8601."
    ]


def _moment(text: str) -> datetime | None:
    """Return an absolute date; None if the text is not one."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    for shape in ("%Y-%m-%d", "%Y-%m", "%Y"):
        try:
            return datetime.strptime(text, shape)
        except ValueError:
            continue
    return None
