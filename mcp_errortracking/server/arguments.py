"""Parsing of a tool call's arguments, in the forms that clients send, and explanations of wrong ones."""

import json
import re
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher, get_close_matches
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, from_json, to_json

from mcp_errortracking.catalog import AtMost, Declaration, Endpoint, Formatted, ListedBy
from mcp_errortracking.posthog_keys import redact
from mcp_errortracking.safe_text.escaping import break_tags, clean
from mcp_errortracking.server.argument_limits import MAX_VALUES, LimitError, check_texts, check_values, is_parsable
from mcp_errortracking.server.client_arguments import notes_on_ignored, without_added, wrapped

T = TypeVar("T")

_MAX_REPORTED = 8
_MAX_PROBLEM = 800
_MAX_ECHO = 60
_MAX_CHOICES = 6
_NEAR = 0.75
_MAX_COMPARED = 100
"""Characters of a name that are compared with existing names; the time grows with their square."""
_NOT_GIVEN = object()
_BLANK: tuple[Any, ...] = (None, "", "null")
_MAX_BLANKS = 10
"""Entries of a list of nothing; a client that fills in a list sends one or two."""
_TAGS = ("<group>", "<filter>", "[key]")  # parts of an error location that are not in the arguments


class _ClearingTextError(Exception):
    """A text that looks like null, for an argument that null clears: to store it, or to drop it, would be a guess."""


class ArgumentsError(Exception):
    """The arguments do not fit the tool. The text names each, the expected value, and a valid example."""


def parse_arguments(endpoint: type[Declaration], arguments: Mapping[str, Any] | None) -> Declaration:
    """Return a validated call of the endpoint.

    Several clients send an object, a list or null as a string of JSON; it is parsed if the argument is not a string.
    An optional argument that is an empty string, or the string "null", counts as not given: it sets and clears nothing.
    So does an optional list of nothing but such strings. Arguments that clients add to every call are ignored.
    A text of an endpoint is different: "null" is a text to search for or to store, and only a read drops an empty one.
    A write stores it, or refuses it where null is what clears.

    Raises:
        ArgumentsError: an argument is missing, wrong or unknown.
    """
    details, problems = list[ErrorDetails](), list[str]()
    try:
        given = _read(endpoint, arguments or {})
        call = endpoint.model_validate(given)
    except (LimitError, _ClearingTextError) as error:
        problems = [str(error)]
    except ValidationError as error:
        details = error.errors(include_url=False)
    else:
        unwritable = [name for name, value in given.items() if not _is_writable(value)]
        if not unwritable:
            return call
        problems = [f"{name}: contains a lone surrogate, or is nested too deep to be sent" for name in unwritable]
    problems += [_problem(endpoint, detail) for detail in details[:_MAX_REPORTED]]
    if len(details) > _MAX_REPORTED:
        problems.append(f"and {len(details) - _MAX_REPORTED} more")
    lines = [f"Wrong arguments for {endpoint.tool}; nothing was sent."]
    lines += [
        f"- {break_tags(clean(problem[: _MAX_PROBLEM + 1], _MAX_PROBLEM))}" for problem in dict.fromkeys(problems)
    ]
    lines.append(f"Example: {json.dumps(example(endpoint, details), separators=(', ', ': '))}")
    raise ArgumentsError(redact("\n".join(lines)))


def notes_on_arguments(call: Declaration, arguments: Mapping[str, Any]) -> list[str]:
    """Return notes on arguments that were taken and not sent as they are: without effect, or above the most."""
    notes = notes_on_ignored(arguments, type(call).model_fields)
    for name, info in type(call).model_fields.items():
        bound = next(_metadata(info, AtMost), None) if name in arguments else None
        if bound and getattr(call, name) == bound.most and str(arguments[name]).strip() != str(bound.most):
            notes.append(f"{name}: {bound.most} is the most for one call; it was sent instead.")
    return notes


def example(endpoint: type[Declaration], errors: list[ErrorDetails] | None = None) -> dict[str, Any]:
    """Return valid arguments: the required ones, and those that the errors are about."""
    wrong = {str(detail["loc"][0]) for detail in errors or [] if detail["loc"]}
    values = {
        name: examples[0]
        for name, info in endpoint.model_fields.items()
        if (examples := [field.examples[0] for field in _metadata(info, FieldInfo) if field.examples])
    }
    shown = {name for name, info in endpoint.model_fields.items() if info.is_required() or name in wrong}
    shown |= set(endpoint.example_fields)
    return {name: values[name] for name in values if name in shown} or dict(list(values.items())[:1])


def _read(endpoint: type[Declaration], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that were given, with JSON in strings parsed.

    Raises:
        LimitError: the arguments exceed a limit.
        _ClearingTextError: an empty text or "null" where null is needed.
    """
    check_texts(arguments)
    own = wrapped(without_added(arguments, endpoint.model_fields), endpoint.model_fields)
    read = {name: _without_blanks(endpoint, name, _from_text(endpoint, name, value)) for name, value in own.items()}
    given = {name: value for name, value in read.items() if value is not _NOT_GIVEN}
    check_values(given)
    return given


def _from_text(endpoint: type[Declaration], name: str, value: Any) -> Any:
    """Return a value, parsed if it is a string of JSON; `_NOT_GIVEN` if the string stands for no value."""
    info = endpoint.model_fields.get(name)
    if not isinstance(value, str) or info is None or info.annotation is str:
        return value
    text = value.strip()
    if text in ("", "null") and not info.is_required() and issubclass(endpoint, Endpoint) and _may_be_text(info):
        if name in endpoint.nulls:
            raise _ClearingTextError(f"{name}: to remove it, give null and not a text; to keep it, leave it out")
        return _NOT_GIVEN if not text and endpoint.read_only else value
    if text == "null":
        return None if info.is_required() else _NOT_GIVEN
    if not text and not info.is_required() and (name in _nullable(endpoint) or not _takes_empty_text(info)):
        return _NOT_GIVEN
    if text[:1] in ("[", "{") and not _is_text(info.annotation):
        if not is_parsable(text):
            raise LimitError(f"{name}: more than {MAX_VALUES} values in one call; make several calls")
        try:
            parsed = from_json(text)
        except ValueError:
            return value
        return value if _may_be_text(info) and not _is_list_of_texts(parsed) else parsed
    return value


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, str) for entry in cast("list[Any]", value))


def _without_blanks(endpoint: type[Declaration], name: str, value: Any) -> Any:
    """Return a value; `_NOT_GIVEN` for an optional list of nothing but texts that stand for no value."""
    info, given = endpoint.model_fields.get(name), value
    if not isinstance(value, list) or info is None or info.is_required():
        return given
    entries = cast("list[Any]", value)
    is_blank = 0 < len(entries) <= _MAX_BLANKS and all(entry in _BLANK for entry in entries)
    return _NOT_GIVEN if is_blank else entries


def _nullable(endpoint: type[Declaration]) -> tuple[str, ...]:
    """Return the arguments that a JSON null clears; no other value clears them."""
    return endpoint.nulls if issubclass(endpoint, Endpoint) else ()


def _takes_empty_text(info: FieldInfo) -> bool:
    """True if an empty string is a value of the field, and not what clients send for "not given"."""
    return str in get_args(info.annotation) and not any(getattr(item, "min_length", 0) for item in info.metadata)


def _is_writable(value: Any) -> bool:
    """True if a value can be sent as JSON. A Python string may contain a lone surrogate, which UTF-8 cannot encode."""
    try:
        to_json(value)
    except ValueError:
        return False
    return True


def _is_text(annotation: object) -> bool:
    """True if the only JSON type of a field is string: brackets are then part of the text, as in a search."""
    kinds = [kind for kind in get_args(annotation) or [annotation] if kind is not type(None)]
    return all(_is_kind_of_text(kind) for kind in kinds)


def _is_kind_of_text(kind: object) -> bool:
    return kind is str or (get_origin(kind) is Annotated and get_args(kind)[0] is str)


def _may_be_text(info: FieldInfo) -> bool:
    """True if any text is a value of the field."""
    return next(_metadata(info, Formatted), None) is None and _takes_text(info.annotation)


def _takes_text(annotation: object) -> bool:
    if _is_kind_of_text(annotation):
        return True
    inner = get_args(annotation) if get_origin(annotation) in (Union, UnionType, Annotated) else ()
    return any(map(_takes_text, inner))


def _problem(endpoint: type[Declaration], detail: ErrorDetails) -> str:
    location = [part for part in detail["loc"] if part not in _TAGS]
    place = _place(location)
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown(endpoint, detail["loc"], place)
    if kind == "missing":
        return f"{place}: required, but missing"
    if kind in ("enum", "literal_error"):
        return f"{place}: {_echo(value)} is not {_choices(value, context['expected'])}"
    if kind in ("uuid_parsing", "uuid_type", "nil_uuid"):
        return f"{place}: {_uuid_problem(endpoint, location, detail)}"
    if kind == "value_missing":
        return f"{place}.value: {detail['msg']}"
    if kind in ("model_type", "dict_type", "model_attributes_type"):
        return f"{place}: expected an object, got {_kind_of(value)}"
    expected = {
        "int_type": "an integer",
        "int_parsing": "an integer",
        "int_from_float": "an integer",
        "bool_type": "true or false",
        "bool_parsing": "true or false",
        "string_type": "a string",
        "list_type": "a list",
        "float_type": "a number",
    }.get(kind)
    if expected:
        return f"{place}: expected {expected}, got {_kind_of(value)}"
    message = detail["msg"].removeprefix("Input ")
    if not place:
        return message
    return f"{place}: {message}" if isinstance(value, dict | list) else f"{place}: {message}, got {_kind_of(value)}"


def _uuid_problem(endpoint: type[Declaration], location: list[int | str], detail: ErrorDetails) -> str:
    listed = _listed_by(endpoint, location)
    noun = f"the UUID of a{'n' if listed.noun[0] in 'aeiou' else ''} {listed.noun}" if listed else "a UUID"
    source = f"; real ones come from {listed.tool}" if listed else ""
    if detail["type"] == "nil_uuid":
        return f"the all-zero UUID is a placeholder, not {noun}{source}"
    return f"expected {noun}, got {_echo(detail['input'])}{source}"


def _listed_by(endpoint: type[Declaration], location: list[int | str]) -> ListedBy | None:
    info = endpoint.model_fields.get(str(location[0])) if location else None
    return next(_metadata(info, ListedBy), None)


def _metadata(annotated: object, kind: type[T]) -> Iterator[T]:
    """Yield the annotations of that kind on a field and on the types inside it."""
    if isinstance(annotated, kind):
        yield annotated
    if isinstance(annotated, FieldInfo):
        for item in annotated.metadata:
            yield from _metadata(item, kind)
        annotated = annotated.annotation
    for inner in get_args(annotated):
        yield from _metadata(inner, kind)


def _unknown(endpoint: type[Declaration], location: tuple[int | str, ...], place: str) -> str:
    names = _names_beside(endpoint, location)
    near = get_close_matches(str(location[-1])[:_MAX_COMPARED], names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"it takes {', '.join(names)}" if names else "it takes no arguments"
    return f"{place}: unknown argument; {hint}"


def _names_beside(endpoint: type[Declaration], location: tuple[int | str, ...]) -> list[str]:
    """Return the known names at the place of an unknown one."""
    model: type[BaseModel] = endpoint
    for step in location[:-1]:
        if step == "<group>":
            continue
        inner = _models_of(model.model_fields[step].annotation) if step in model.model_fields else []
        if step == "<filter>":  # the tag of a property filter; the same list may contain groups
            inner = [shape for shape in _models_of(model.model_fields["values"].annotation) if shape is not model]
        if inner:
            model = inner[0]
    return list(model.model_fields)


def _models_of(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models_of(inner)]


def _choices(value: Any, expected: str) -> str:
    names = [name.strip("' ") for name in expected.replace(" or ", ",").split(",")]
    text, near = value[:_MAX_COMPARED].lower() if isinstance(value, str) else "", list[str]()
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


def nearest_tools(name: str, tools: list[str]) -> list[str]:
    """Return up to three tools with names near the given one: by shared words, then by spelling."""
    name = name[:_MAX_COMPARED].lower()
    wanted = _words(name)

    def nearness(tool: str) -> tuple[int, float]:
        shared, spelling = len(wanted & _words(tool)), SequenceMatcher(None, name, tool)
        return shared, spelling.ratio() if shared or spelling.quick_ratio() > _NEAR else 0.0

    scores = {tool: nearness(tool) for tool in tools}
    near = [tool for tool in tools if scores[tool][0] or scores[tool][1] > _NEAR]
    return sorted(near, key=scores.__getitem__, reverse=True)[:3]


def _words(name: str) -> set[str]:
    """Return the words of a tool's name in the singular, without those in every tool's name."""
    return {word.rstrip("s") for word in re.split(r"[^a-z]+", name)} - {"", "error", "tracking"}
