"""The filters of a rule: groups of property filters, joined by AND or OR (contract 3.1)."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from mcp_errortracking.catalog.declaration import refuse_boolean
from mcp_errortracking.catalog.endpoint import as_objects

OPERATORS = (
    *("exact", "is_not", "icontains", "not_icontains", "starts_with", "not_starts_with", "ends_with", "not_ends_with"),
    *("regex", "not_regex", "gt", "gte", "lt", "lte", "is_set", "is_not_set", "in", "not_in"),
    *("is_date_exact", "is_date_before", "is_date_after", "between", "not_between", "min", "max"),
    *("is_cleaned_path_exact", "flag_evaluates_to", "icontains_multi", "not_icontains_multi"),
    *("semver_eq", "semver_neq", "semver_gt", "semver_gte", "semver_lt", "semver_lte"),
    *("semver_tilde", "semver_caret", "semver_wildcard"),
)
"""Contract 3.1, and the four `*_with` operators that PostHog's own client also knows."""

TYPES = (
    *("event", "person", "person_metadata", "element", "event_metadata", "session", "cohort", "recording", "log_entry"),
    *("group", "feature", "flag", "hogql", "empty", "data_warehouse", "data_warehouse_person_property"),
    *("error_tracking_issue", "log", "log_attribute", "log_resource_attribute", "span", "span_attribute"),
    *("span_resource_attribute", "revenue_analytics", "workflow_variable", "metric", "behavioral"),
    *("metric_attribute", "account_custom_property"),
)
"""The types of property filters that PostHog's schema knows (contract 3.1, and two that came later)."""

_OF_ONE_EVENT = ("event", "empty", "person", "element", "feature")


def _refuse_other_kinds(value: Any) -> Any:
    """Refuses with one error what pydantic would refuse with one for each kind that a scalar may be."""
    if value is None or isinstance(value, list | dict):
        raise PydanticCustomError("scalar", "expected a string, a number, or true or false")
    return value


Scalar = Annotated[str | bool | int | float, BeforeValidator(_refuse_other_kinds)]

_WITHOUT_VALUE = ("is_set", "is_not_set")
_MAX_DEPTH = 20


class PropertyFilter(BaseModel):
    """A condition on one property of the exception event."""

    model_config = ConfigDict(
        extra="forbid", defer_build=True, hide_input_in_errors=True, json_schema_extra={"required": ["key"]}
    )

    key: str | None = Field(default=None, min_length=1, description="e.g. $exception_types, $exception_sources")
    # Their whole list costs more tokens than all the rest of a rule: a wrong one is answered with the nearest.
    operator: str | None = Field(
        default=None, description="exact (default), is_not, icontains, regex, gt, lt, is_set, is_date_after, ..."
    )
    value: str | bool | int | float | list[Scalar] | None = None
    type: str = Field(default="event", min_length=1)
    # Understood, but not worth a place in every rule tool's schema: only group filters and the UI's labels use them.
    label: SkipJsonSchema[str | None] = None
    group_type_index: SkipJsonSchema[Annotated[int, BeforeValidator(refuse_boolean)] | None] = None
    group_key_names: SkipJsonSchema[dict[str, str] | None] = None
    cohort_name: SkipJsonSchema[str | None] = None

    @field_validator("operator")
    @classmethod
    def known_operator(cls, value: str | None) -> str | None:
        """Refuses an operator that PostHog does not have."""
        if value is not None and value not in OPERATORS:
            raise PydanticCustomError("literal_error", "unknown operator", {"expected": ", ".join(OPERATORS)})
        return value

    @field_validator("type")
    @classmethod
    def known_type(cls, value: str) -> str:
        """Refuses a type that PostHog does not have."""
        if value not in TYPES:
            raise PydanticCustomError("literal_error", "unknown type", {"expected": ", ".join(TYPES)})
        return value

    @model_validator(mode="after")
    def complete(self) -> "PropertyFilter":
        """Sends what PostHog's own client does: the type always, and `exact` where an event filter has no operator."""
        if self.type != "empty" and self.key is None:
            raise PydanticCustomError("no_key", "key is required: the name of an event property")
        if self.type == "event" and self.operator is None:
            self.operator = "exact"
        if self.type == "event" and self.operator not in _WITHOUT_VALUE and self.value is None:
            raise PydanticCustomError(
                "value_missing",
                "operator {operator} needs a value (is_set and is_not_set need none)",
                {"operator": self.operator},
            )
        self.model_fields_set.add("type")  # PostHog wants it, given or not
        return self


def _kind(value: Any) -> str:
    is_group = "values" in value if isinstance(value, dict) else isinstance(value, FilterGroup)
    return "<group>" if is_group else "<filter>"


class FilterGroup(BaseModel):
    """Conditions joined by AND or OR; groups nest."""

    model_config = ConfigDict(extra="forbid", defer_build=True, hide_input_in_errors=True)

    type: Literal["AND", "OR"]
    values: list[
        Annotated[
            Annotated["FilterGroup", Tag("<group>")] | Annotated[PropertyFilter, Tag("<filter>")], Discriminator(_kind)
        ]
    ]

    @field_validator("type", mode="before")
    @classmethod
    def upper_case(cls, value: Any) -> Any:
        """`and` and `or` are understood."""
        return value.upper() if isinstance(value, str) else value

    def conditions(self) -> Iterator[PropertyFilter]:
        """Every property filter, at any depth."""
        for value in self.values:
            if isinstance(value, FilterGroup):
                yield from value.conditions()
            else:
                yield value

    def matches_everything(self) -> bool:
        """True if no real condition is left (contract 3.1: such a rule matches every exception)."""
        return all(condition.type == "empty" for condition in self.conditions())


def _refuse_depth(value: Any) -> Any:
    level = as_objects([value])
    for _ in range(_MAX_DEPTH):
        level = [inner for group in level for inner in as_objects(group.get("values"))]
    if level:
        raise PydanticCustomError("too_deep", "groups nest more than {limit} deep", {"limit": _MAX_DEPTH})
    return value


Filters = Annotated[
    FilterGroup,
    BeforeValidator(_refuse_depth),
    Field(
        examples=[
            {
                "type": "AND",
                "values": [{"key": "$exception_types", "operator": "icontains", "value": "TypeError"}],
            }
        ]
    ),
]
"""The `filters` argument of a rule."""


def notes_on(conditions: Iterable[PropertyFilter]) -> list[str]:
    """Return notes on conditions that a rule cannot evaluate: it sees one event and nothing else (contract 3.1)."""
    return [
        f"Filter type {kind}: a rule sees one event only, so PostHog may never match it, or disable the rule."
        for kind in dict.fromkeys(condition.type for condition in conditions)
        if kind not in _OF_ONE_EVENT
    ]
