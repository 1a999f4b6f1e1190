"""Parsing of a tool call's arguments, in the forms that clients send, and explanations of wrong ones."""

import json
from collections.abc import Mapping
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, cast, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, from_json, to_json

from mcp_errortracking.catalog import AtMost, Declaration, Endpoint, Formatted, ListedBy
from mcp_errortracking.catalog.declaration import metadata_of, with_article
from mcp_errortracking.catalog.meanings import Shown
from mcp_errortracking.posthog_keys import redact
from mcp_errortracking.safe_text.escaping import break_tags, clean
from mcp_errortracking.server.argument_errors import explain_errors, meant_name
from mcp_errortracking.server.argument_limits import MAX_VALUES, LimitError, check_texts, check_values, is_parsable
from mcp_errortracking.server.client_arguments import notes_on_ignored, without_added, wrapped

_MAX_PROBLEM = 800
_NOT_GIVEN = object()
_BLANK: tuple[Any, ...] = (None, "", "null")
_MAX_BLANKS = 10
"""Entries of a list of nothing; a client that fills in a list sends one or two."""


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
    problems += explain_errors(endpoint, details)
    lines = [f"Wrong arguments for {endpoint.tool}; nothing was sent."]
    lines += [
        f"- {break_tags(clean(problem[: _MAX_PROBLEM + 1], _MAX_PROBLEM))}" for problem in dict.fromkeys(problems)
    ]
    lines.append(f"Example: {json.dumps(pattern(endpoint, details), separators=(', ', ': '))}")
    raise ArgumentsError(redact("\n".join(lines)))


def notes_on_arguments(call: Declaration, arguments: Mapping[str, Any]) -> list[str]:
    """Return notes on arguments that were taken and not sent as they are: without effect, or above the most."""
    notes = notes_on_ignored(arguments, type(call).model_fields)
    for name, most in _bounds(type(call)).items():
        if name in arguments and getattr(call, name) == most and str(arguments[name]).strip() != str(most):
            notes.append(f"{name}: {most} is the most for one call; it was sent instead.")
    return notes


@cache
def _bounds(endpoint: type[Declaration]) -> dict[str, int]:
    fields = endpoint.model_fields.items()
    return {name: bound.most for name, info in fields for bound in metadata_of(info, AtMost)}


def example(endpoint: type[Declaration], errors: list[ErrorDetails] | None = None) -> dict[str, Any]:
    """Return valid arguments: the required ones, and those that the errors are about."""
    return _of_shown(endpoint, errors or [], _examples(endpoint))


def pattern(endpoint: type[Declaration], errors: list[ErrorDetails]) -> dict[str, Any]:
    """Return the same for an error, with <...> for every value that only the caller can know: no value is invented."""
    return _of_shown(endpoint, errors, _patterns(endpoint))


@cache
def _patterns(endpoint: type[Declaration]) -> dict[str, Any]:
    values = dict[str, Any]()
    for name, info in endpoint.model_fields.items():
        shown = next(metadata_of(info, Shown), None)
        listed = next(metadata_of(info, ListedBy), None)
        if shown is not None:
            values[name] = shown.value
        elif listed is not None:
            one = f"<id of {with_article(listed.noun)}>"
            values[name] = [one] if _is_list(info.annotation) else one
    known = {**_examples(endpoint), **values}
    return {name: known[name] for name in endpoint.model_fields if name in known}


def _of_shown(endpoint: type[Declaration], errors: list[ErrorDetails], values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of the required arguments, of those that an error is about, and of those that were meant."""
    wrong = {str(detail["loc"][0]) for detail in errors if detail["loc"]}
    wrong |= {meant for name in wrong if (meant := meant_name(endpoint, name))}
    shown = {name for name, info in endpoint.model_fields.items() if info.is_required() or name in wrong}
    shown |= set(endpoint.example_fields)
    return {name: values[name] for name in values if name in shown} or dict(list(values.items())[:1])


@cache
def _examples(endpoint: type[Declaration]) -> dict[str, Any]:
    return {
        name: examples[0]
        for name, info in endpoint.model_fields.items()
        if (examples := [field.examples[0] for field in metadata_of(info, FieldInfo) if field.examples])
    }


def _is_list(annotation: object) -> bool:
    return any(get_origin(kind) is list for kind in (annotation, *get_args(annotation)))


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
            parsed = from_json(text, allow_inf_nan=False)
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
    return next(metadata_of(info, Formatted), None) is None and _takes_text(info.annotation)


def _takes_text(annotation: object) -> bool:
    if _is_kind_of_text(annotation):
        return True
    inner = get_args(annotation) if get_origin(annotation) in (Union, UnionType, Annotated) else ()
    return any(map(_takes_text, inner))
