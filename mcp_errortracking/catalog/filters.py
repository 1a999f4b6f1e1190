"""The filters of a rule: groups of property filters, joined by AND or OR (contract 3.1)."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError, from_json

from mcp_errortracking.catalog.declaration import refuse_boolean
from mcp_errortracking.catalog.endpoint import as_objects
from mcp_errortracking.catalog.filter_schemas import CONDITION, GROUP
from mcp_errortracking.catalog.meanings import Means, Shown
from mcp_errortracking.rules.filter_types import COHORTS

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
    *("event", "person", "person_metadata", "element", "event_metadata", "session", "recording", "log_entry"),
    *("group", "feature", "flag", "hogql", "empty", "data_warehouse", "data_warehouse_person_property"),
    *("error_tracking_issue", "log", "log_attribute", "log_resource_attribute", "span", "span_attribute"),
    *("span_resource_attribute", "revenue_analytics", "workflow_variable", "metric", "behavioral"),
    *("metric_attribute", "account_custom_property"),
    *COHORTS,
)
"""The types of property filters that PostHog's schema knows (contract 3.1), and those its own client sends as well."""


def _refuse_other_kinds(value: Any) -> Any:
    """Refuses with one error what pydantic would refuse with one for each kind that a scalar may be."""
    if value is None or isinstance(value, list | dict):
        raise PydanticCustomError("scalar", "expected a string, a number, or true or false")
    return value


Scalar = Annotated[str | bool | int | float, BeforeValidator(_refuse_other_kinds)]


def _replace(schema: dict[str, Any], shown: dict[str, Any]) -> None:
    """Put the schema that agents read in place of pydantic's."""
    schema.clear()
    schema.update(shown)


WITHOUT_VALUE = ("is_set", "is_not_set")
_EMPTY: tuple[Any, ...] = (None, "", [])
_OF_NUMBERS = ("gt", "gte", "lt", "lte", "min", "max")
_OF_RANGES = ("between", "not_between")
_OF_LISTS = ("exact", "is_not", "in", "not_in", "icontains_multi", "not_icontains_multi", *_OF_RANGES)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?")
_OPERATORS_MEANT = {
    **dict.fromkeys(("=", "==", "===", "equals", "equal", "eq", "is"), "exact"),
    **dict.fromkeys(("!=", "<>", "ne", "neq", "not_equals", "not_equal", "isnot", "is not", "not"), "is_not"),
    **dict.fromkeys(("contains", "like", "ilike", "includes", "~", "substring"), "icontains"),
    **dict.fromkeys(("not_contains", "not contains", "does_not_contain", "not_like", "excludes"), "not_icontains"),
    **dict.fromkeys(("matches", "match", "=~", "regexp"), "regex"),
    ">": "gt",
    ">=": "gte",
    "<": "lt",
    "<=": "lte",
    "exists": "is_set",
    "not_exists": "is_not_set",
    "startswith": "starts_with",
    "endswith": "ends_with",
}
_MAX_DEPTH = 20
_MAX_LIST = 10_000
"""Characters of a text that is read as a list."""


class PropertyFilter(BaseModel):
    """A condition on one property of the exception event."""

    model_config = ConfigDict(
        extra="forbid",
        defer_build=True,
        hide_input_in_errors=True,
        json_schema_extra=lambda schema: _replace(schema, CONDITION),
    )

    key: str | None = Field(default=None, min_length=1)
    operator: Annotated[str, Means(_OPERATORS_MEANT)] | None = None
    value: str | bool | int | float | list[Scalar] | None = None
    type: Annotated[str, Means({"issue": "error_tracking_issue"})] = Field(default="event", min_length=1)
    # Understood, but not worth a place in every rule tool's schema: only group filters and the UI's labels use them.
    label: str | None = None
    group_type_index: Annotated[int, BeforeValidator(refuse_boolean)] | None = None
    group_key_names: dict[str, str] | None = None
    cohort_name: str | None = None
    # Of the type behavioral.
    event_type: Literal["events", "actions"] | None = None
    event_filters: list[dict[str, Any]] | None = None
    negation: bool | None = None
    operator_value: int | float | None = None
    time_value: int | float | None = None
    time_interval: str | None = None
    explicit_datetime: str | None = None
    explicit_datetime_to: str | None = None

    meant: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("property", "name", "property_name", "property_key", "field", "attribute", "column"), "key"),
        **dict.fromkeys(("op", "comparison", "comparator", "condition", "match", "match_type"), "operator"),
        **dict.fromkeys(("values", "val", "pattern", "text"), "value"),
    }

    @model_validator(mode="before")
    @classmethod
    def tidy(cls, given: Any) -> Any:
        """Drop members without content, and read a number or a list in a text, which is all that some clients send."""
        members: Any = given
        if not isinstance(given, dict):
            return members
        condition = _without_empty(members, ("values", "type", "operator"))
        if "value" in condition and isinstance(condition["value"], str):
            value = _value_of(condition["value"], condition.get("operator", "exact"))
            condition = {**condition, "value": value}
        return condition

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
        if self.key is None and self.type in COHORTS:
            self.key = "id"  # the only one that a cohort has
        if self.type != "empty" and self.key is None:
            raise PydanticCustomError("no_key", "key is required: the name of an event property")
        if self.type == "event" and self.operator is None:
            self.operator = "exact"
        if self.type == "event" and self.operator not in WITHOUT_VALUE and self.value is None:
            raise PydanticCustomError(
                "value_missing",
                "operator {operator} needs a value (is_set and is_not_set need none)",
                {"operator": self.operator},
            )
        self.model_fields_set.add("type")  # PostHog wants it, given or not
        return self


def _without_empty(members: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return the members without those of these names that have no content."""
    # Ten thousand conditions may come in one call: the usual one costs few steps.
    for name in names:
        if name in members and members[name] in _EMPTY:
            members = {other: value for other, value in members.items() if other != name}
    return members


def _value_of(text: str, operator: Any) -> Any:
    """Return the number or the list that a text stands for with this operator; the text itself otherwise."""
    if operator in _OF_NUMBERS and _NUMBER.fullmatch(text):
        return from_json(text)
    if operator not in _OF_LISTS or text[:1] != "[" or len(text) > _MAX_LIST:
        return text
    try:
        entries: list[Any] = from_json(text, allow_inf_nan=False)
    except (ValueError, TypeError):  # a lone surrogate is the latter
        return text
    are_texts = all(isinstance(entry, str) for entry in entries)
    are_numbers = operator in _OF_RANGES and all(_NUMBER.fullmatch(str(entry)) for entry in entries)
    return entries if entries and (are_texts or are_numbers) else text


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        given = cast("dict[str, Any]", value)
        is_group = "values" in given and (bool(given["values"]) or not given.get("key"))
    else:
        is_group = isinstance(value, FilterGroup)
    return "<group>" if is_group else "<filter>"


class FilterGroup(BaseModel):
    """Conditions joined by AND or OR; groups nest."""

    model_config = ConfigDict(
        extra="forbid",
        defer_build=True,
        hide_input_in_errors=True,
        json_schema_extra=lambda schema: _replace(schema, GROUP),
    )

    type: Annotated[Literal["AND", "OR"], Means({"all": "AND", "any": "OR", "&&": "AND", "||": "OR"})]
    meant: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("conditions", "filters", "rules", "properties", "items"), "values"),
        **dict.fromkeys(("operator", "op", "join", "logic", "combinator", "match"), "type"),
        **dict.fromkeys(("and", "or"), "give type AND or OR, and values, a list of conditions"),
    }
    values: list[
        Annotated[
            Annotated["FilterGroup", Tag("<group>")] | Annotated[PropertyFilter, Tag("<filter>")], Discriminator(_kind)
        ]
    ]

    @model_validator(mode="before")
    @classmethod
    def tidy(cls, given: Any) -> Any:
        """Drop members of a condition without content: clients that must send every member fill them so."""
        members: Any = given
        if not isinstance(given, dict):
            return members
        return _without_empty(members, ("key", "operator", "value"))

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

    def as_sent(self) -> dict[str, Any]:
        """The filters in JSON, as a request sends them."""
        return self.model_dump(mode="json", exclude_unset=True)

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


def _refuse_uncompilable(group: FilterGroup) -> FilterGroup:
    """Refuse filters for which PostHog is certain to answer an error, a 500 among them (rule contract 2.1)."""
    from mcp_errortracking.rules.lint import refusal

    finding = refusal(group.as_sent())
    if finding is not None:
        raise PydanticCustomError("not_compilable", "{finding}", {"finding": str(finding).removeprefix("filters.")})
    return group


Filters = Annotated[
    FilterGroup,
    BeforeValidator(_refuse_depth),
    AfterValidator(_refuse_uncompilable),
    Field(
        examples=[
            {
                "type": "AND",
                "values": [{"key": "$exception_types", "operator": "icontains", "value": "TypeError"}],
            }
        ]
    ),
    Shown(
        {"type": "AND", "values": [{"key": "$exception_types", "operator": "exact", "value": "<type of exception>"}]}
    ),
]
"""The `filters` argument of a rule."""
