"""Arguments that several queries take: texts, statuses and conditions (contract 6.13)."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from mcp_errortracking.catalog.filters import WITHOUT_VALUE, PropertyFilter
from mcp_errortracking.catalog.meanings import STATUSES, Means

MOST_BUCKETS = 200
"""The most buckets of a sparkline that PostHog can be asked for."""


def _with_value(condition: PropertyFilter) -> PropertyFilter:
    """Give is_set and is_not_set the value that queries demand of every condition; rules do not."""
    if condition.operator in WITHOUT_VALUE and condition.value is None:
        condition.value = condition.operator
    return condition


QueryFilter = Annotated[PropertyFilter, AfterValidator(_with_value)]
Text = Annotated[str, Field(max_length=500)]
LongText = Annotated[str, Field(max_length=1000)]
Buckets = Annotated[int, Field(ge=0, le=MOST_BUCKETS)]
OneOrMore = Annotated[str | list[str], WithJsonSchema({"type": "array", "items": {"type": "string"}})]
"""A text, or a list of texts. The schema names the list alone: many clients cannot pass on a union."""
StatusFilter = Annotated[
    Literal["active", "resolved", "suppressed", "archived", "pending_release", "all"],
    Means({**STATUSES, "any": "all"}),
]
Direction = Annotated[
    Literal["ASC", "DESC"],
    Means({"ascending": "ASC", "descending": "DESC", "desc": "DESC", "asc": "ASC"}),
]


def _no_group(value: Any) -> Any:
    """Refuse a group, which the filters of rules are."""
    if isinstance(value, dict):
        raise PydanticCustomError(
            "no_list", "should be a list of conditions that all must hold: give the values of a group, without type"
        )
    return value


Conditions = Annotated[list[QueryFilter], BeforeValidator(_no_group)]
