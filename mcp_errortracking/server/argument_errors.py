"""Explanations of wrong arguments: the place, what is wrong, and the argument, value or tool that was meant.

What was meant is data of the declarations (`meant`, `Means`, `ListedBy`), which is found by the place of an error.
"""

import json
import re
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, cast, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails, core_schema

from mcp_errortracking.catalog import Declaration, ListedBy
from mcp_errortracking.catalog.declaration import metadata_of, with_article
from mcp_errortracking.catalog.meanings import Means
from mcp_errortracking.safe_text.escaping import clean

Location = tuple[int | str, ...]

_MAX_REPORTED = 8
_MAX_ECHO = 60
_MAX_CHOICES = 6
MAX_COMPARED = 100
"""Characters of a name that are compared with existing names; the time grows with their square."""
_NEAR = 0.6
_TAGS = ("<group>", "<filter>", "[key]")  # parts of an error location that are not in the arguments
_EXPECTED = {
    "int_type": "an integer",
    "int_parsing": "an integer",
    "int_parsing_size": "an integer",
    "int_from_float": "an integer",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "a string",
    "list_type": "a list",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a number",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
}
_BOUNDS = {
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "needs at least {min_length} entries",
    "too_long": "takes at most {max_length} entries",
}
_NUMBERS = ("ge", "gt", "le", "lt", "min_length", "max_length")
_PYDANTICS = frozenset(get_args(core_schema.ErrorType))
"""Kinds of errors whose texts are pydantic's; those of other kinds are written in the catalog."""


def explain_errors(endpoint: type[Declaration], errors: list[ErrorDetails]) -> list[str]:
    """Return a line for each of the first errors, and the advice of their arguments."""
    problems, advice = list[str](), list[str]()
    for detail in errors[:_MAX_REPORTED]:
        problems.append(_problem(endpoint, detail))
        advice += _advice(endpoint, detail)
    if len(errors) > _MAX_REPORTED:
        problems.append(f"and {len(errors) - _MAX_REPORTED} more")
    return problems + list(dict.fromkeys(advice))


def meant_name(model: type[BaseModel], name: str) -> str | None:
    """Return the argument that was meant by an unknown one, if it is a plain name."""
    meant = _meanings(model).get(_plain(name))
    return meant if meant in model.model_fields else None


def _problem(endpoint: type[Declaration], detail: ErrorDetails) -> str:
    location = [part for part in detail["loc"] if part not in _TAGS]
    place = _place(location)
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return f"{place}: unknown argument; {_meant(_model_at(endpoint, detail['loc']), str(detail['loc'][-1]))}"
    if kind == "missing":
        return f"{place}: required, but missing"
    if kind in ("enum", "literal_error"):
        return (
            f"{place}: {_echo(value)} is not {_choices(value, context['expected'], _means_at(endpoint, detail['loc']))}"
        )
    if kind in ("uuid_parsing", "uuid_type", "uuid_version", "nil_uuid"):
        return f"{place}: {_uuid_problem(endpoint, location, detail)}"
    if kind == "value_missing":
        return f"{place}.value: {detail['msg']}"
    if kind in _EXPECTED:
        return f"{place}: expected {_EXPECTED[kind]}, got {_kind_of(value)}"
    if kind in _BOUNDS:
        bounds = {
            name: int(bound) if bound == int(bound) else bound for name, bound in context.items() if name in _NUMBERS
        }
        message = _BOUNDS[kind].format(**bounds).replace("at least 1 characters", "at least one character")
        message = message.replace("at least 1 entries", "at least one entry")
    else:
        message = "does not fit" if kind in _PYDANTICS else detail["msg"]
    if not place:
        return message
    if isinstance(value, dict | list):
        return f"{place}: {message}"
    message, semicolon, hint = message.partition(";")
    return f"{place}: {message}, got {_kind_of(value)}{semicolon}{hint}"


def _uuid_problem(endpoint: type[Declaration], location: list[int | str], detail: ErrorDetails) -> str:
    info = endpoint.model_fields.get(str(location[0])) if location else None
    listed = next(metadata_of(info, ListedBy), None)
    noun = f"the UUID of {with_article(listed.noun)}" if listed else "a UUID"
    source = f"; real ones come from {listed.tool}" if listed else ""
    if detail["type"] == "nil_uuid":
        return f"the all-zero UUID is a placeholder, not {noun}{source}"
    return f"expected {noun}, got {_echo(detail['input'])}{source}"


def _meant(model: type[BaseModel], name: str) -> str:
    """Return the meaning of an unknown name among those of a model."""
    name, names = name[:MAX_COMPARED], list(model.model_fields)
    if meant := _meanings(model).get(_plain(name)):
        return f"did you mean {meant}?" if meant in names else meant
    plain = {_plain(known): known for known in names}
    if near := get_close_matches(_plain(name), plain, n=1, cutoff=_NEAR):
        return f"did you mean {plain[near[0]]}?"
    return f"it takes {', '.join(names)}" if names else "it takes no arguments"


@cache
def _meanings(model: type[BaseModel]) -> Mapping[str, str]:
    """Return the meanings of a model and of its base classes, by plain name."""
    meanings = dict[str, str]()
    for base in reversed(model.__mro__):
        own = cast("Mapping[str, str]", base.__dict__.get("meant", {}))
        meanings |= {_plain(name): meant for name, meant in own.items()}
    return meanings


def _plain(name: str) -> str:
    """Return a name without what its spellings differ by: `issue_id`, `issueId` and `issue-id` are one."""
    return re.sub(r"[^a-z0-9|&]", "", name.lower())


def _model_at(endpoint: type[Declaration], location: Location) -> type[BaseModel]:
    """Return the model in which the last part of a location stands."""
    model: type[BaseModel] = endpoint
    for step in location[:-1]:
        if step == "<group>":
            continue
        inner = _models_of(model.model_fields[step].annotation) if step in model.model_fields else []
        if step == "<filter>":  # the tag of a property filter; the same list may contain groups
            inner = [shape for shape in _models_of(model.model_fields["values"].annotation) if shape is not model]
        if inner:
            model = inner[0]
    return model


def _models_of(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models_of(inner)]


def _means_at(endpoint: type[Declaration], location: Location) -> list[Means]:
    """Return the meanings of wrong values of the innermost field at a location."""
    names = [part for part in location if isinstance(part, str) and part not in _TAGS]
    model = _model_at(endpoint, location)
    while names and names[-1] not in model.model_fields:
        names.pop()
        location = location[:-1]
        model = _model_at(endpoint, location)
    return list(metadata_of(model.model_fields[names[-1]], Means)) if names else []


def _advice(endpoint: type[Declaration], detail: ErrorDetails) -> list[str]:
    """Return the advice of the argument that an error is about."""
    name = str(detail["loc"][0]) if detail["loc"] else ""
    info = endpoint.model_fields.get(name)
    if info is None or (detail["type"] == "literal_error" and len(detail["loc"]) == 1):
        return []
    return [f"{name}: {means.advice}" for means in metadata_of(info, Means) if means.advice]


def _choices(value: Any, expected: str, means: list[Means]) -> str:
    names = [name.strip("' ") for name in expected.replace(" or ", ",").split(",")]
    text, near = value[:MAX_COMPARED].lower() if isinstance(value, str) else "", list[str]()
    if meant := next((one.values[text] for one in means if text in one.values), None):
        return f"one of {', '.join(names)}; {meant}" if " " in meant else f"known; did you mean {meant}?"
    if len(names) > _MAX_CHOICES:
        near = get_close_matches(text, names, n=2) or [name for name in names if name in re.split(r"\W|_", text)]
    return f"known; did you mean {' or '.join(near)}?" if near else f"one of {', '.join(names)}"


def _place(location: list[int | str]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part[:120]}" if text else part[:120]
    return clean(text, 120)


def _echo(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(clean(value[: _MAX_ECHO + 1], _MAX_ECHO), ensure_ascii=False)
    return _kind_of(value)


def _kind_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:.15g}" if isinstance(value, float) else clean(str(value), 30)
    if isinstance(value, str):
        return f"the string {_echo(value)}"
    return "a list" if isinstance(value, list) else "an object"
