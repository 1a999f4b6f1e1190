"""Everything that the kinds of rules share: filters, an order, empty answers of PostHog (contract 3, 6.2)."""

from collections.abc import Generator, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from mcp_errortracking.catalog.declaration import refuse_boolean
from mcp_errortracking.catalog.endpoint import (
    Endpoint,
    Outcome,
    Request,
    Snapshot,
    StepError,
    Steps,
    as_object,
    as_objects,
    call_of,
)
from mcp_errortracking.catalog.filters import FilterGroup
from mcp_errortracking.catalog.identifiers import RealUUID
from mcp_errortracking.catalog.meanings import Shown
from mcp_errortracking.catalog.paging import next_offset
from mcp_errortracking.catalog.pairs import pairs_schema, reads_pairs

OrderKey = Annotated[int, Field(ge=-(2**31), le=2**31 - 1, examples=[0]), BeforeValidator(refuse_boolean)]
"""A PostgreSQL 32-bit integer; PostHog fails with 500 on anything larger (contract 3.0)."""

ORDER_PAIRS = reads_pairs("id", "order_key")
ORDER_SCHEMA = pairs_schema("id", "order_key", "integer")
ORDER_EXAMPLES: list[Any] = [[{"id": "01936f2e-7a51-7000-8000-3d0f1c9a42b7", "order_key": 0}]]

MATCHES_EVERYTHING = (
    "These filters hold no condition: PostHog lets such a rule match everything (before May 2026: it disables it)."
)
DROPS_EVERYTHING = "It drops every new exception of the project. If that is not meant, delete it now."


def notes_on(call: Endpoint, rule: Mapping[str, Any]) -> list[str]:
    """Return notes on the filters that are sent: what PostHog will not evaluate, or not as it seems.

    `rule` is the rule as PostHog then holds it.
    """
    filters: FilterGroup | None = getattr(call, "filters", None)
    if filters is None:
        return []
    kind = call.tool.removeprefix("error-tracking-").partition("-rules-")[0]
    if filters.matches_everything():
        drops_all = kind == "suppression" and rule.get("sampling_rate") in (None, 1)
        return [MATCHES_EVERYTHING, *([DROPS_EVERYTHING] if drops_all else [])]
    from mcp_errortracking.rules.notes import notes

    return notes(filters.as_sent(), kind, sampling_rate=rule.get("sampling_rate"))


class ListRules(Endpoint):
    """All rules of a kind that PostHog lists whole; where an older one answers pages, every page is read."""

    def steps(self) -> Steps:
        sent = self.request()
        first = as_object((yield sent))
        if not isinstance(first.get("results"), list):
            return Outcome(first)
        rules = as_objects(first["results"])
        following = next_offset(first.get("next"))
        if following:
            rules += yield from rules_from(sent.path, following)
        return Outcome({"results": rules})


_CONDITIONS = dict.fromkeys(
    ("conditions", "condition", "filter", "filter_group", "properties", "rules", "match"), "filters"
)
_ENABLE = "any update enables a rule, and none disables it; give filters {type, values}, as the rule has them"


class CreateRule(Endpoint):
    """A rule is made; the answer is the rule."""

    meant = {**_CONDITIONS, **dict.fromkeys(("priority", "order", "position"), "order_key")}
    meant_by = {"add": ""}

    delete: ClassVar[type["DeleteRule"]]
    """The call that deletes such a rule."""

    def steps(self) -> Steps:
        rule = as_object((yield self.request()))
        notes = notes_on(self, rule)
        order_key = getattr(self, "order_key", None)
        if order_key is not None and rule.get("order_key", order_key) != order_key:
            notes.append(
                f"This PostHog ignores order_key on create and stored {rule.get('order_key')}: "
                f"set the order with {self.tool.removesuffix('create')}reorder."
            )
        return Outcome(rule, notes)

    def inverse(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Endpoint | None:
        return call_of(self.delete, {"id": after.get("id")})


class UpdateRule(Endpoint):
    """A rule is changed: 204 without a body, so the rule is read back (contract 3.5)."""

    meant = {
        **_CONDITIONS,
        "rule_id": "id",
        **dict.fromkeys(("enabled", "enable", "active", "disabled"), _ENABLE),
        **dict.fromkeys(
            ("order_key", "priority", "order", "position"), "an update moves no rule: call the tool -reorder"
        ),
    }

    def steps(self) -> Steps:
        sent = self.request()
        yield sent
        try:
            rule = as_object((yield Request("GET", sent.path)))
        except StepError as failure:
            return Outcome(
                {"id": str(getattr(self, "id", "")), "updated": True},
                [f"PostHog accepted the update, but the rule could not be read back. {failure.summary}"],
            )
        notes = notes_on(self, rule)
        kept = [name for name, value in (sent.json or {}).items() if name in rule and rule[name] != value]
        if kept:
            notes.append(f"PostHog accepted the update, but {' and '.join(kept)} read back differs from what was sent.")
        if rule.get("disabled_data") is not None:
            notes.append(self._still_disabled(sent))
        return Outcome(rule, notes, failed=bool(kept))

    def _still_disabled(self, sent: Request) -> str:
        if "filters" not in (sent.json or {}):
            return "The rule is disabled: only an update with filters enables it."
        return "The rule is still disabled: this PostHog is too old to re-enable a rule by an update."

    def inverse(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Endpoint | None:
        return self.restore(before)


class DeleteRule(Endpoint):
    """A rule is deleted: it is read first, so that the answer can say what is gone."""

    create: ClassVar[type[CreateRule]]
    """The call that creates such a rule."""

    def __init_subclass__(cls, *, undoes: type[CreateRule] | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if undoes is not None:
            cls.create, undoes.delete = undoes, cls

    def steps(self) -> Steps:
        sent = self.request()
        rule = as_object((yield Request("GET", sent.path)))
        yield sent
        return Outcome({"deleted": rule}, [self._undo(rule)])

    undo_loss = "The new rule has another id, and is enabled."

    def inverse(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> CreateRule | None:
        arguments = {name: before[name] for name in self.create.model_fields if before.get(name) is not None}
        return call_of(self.create, arguments)

    def _undo(self, rule: dict[str, Any]) -> str:
        call, create = self.inverse(rule, {}), self.create
        taken = [name for name in create.model_fields if call is None or name in call.model_fields_set]
        undo = [f"To undo, call {create.tool} with its {', '.join(taken)}. The new rule has another id."]
        if rule.get("issue"):
            undo.append("It makes an issue of its own.")
        position = rule.get("order_key")
        if position and isinstance(position, int) and "order_key" not in create.model_fields:
            reorder = f"{self.tool.removesuffix('destroy')}reorder"
            undo.append(f"It is at position 0: {reorder} brings it back to {position}.")
        if rule.get("disabled_data"):
            undo.append("It is enabled.")
        return " ".join(undo)


class ReorderRules(Endpoint):
    """Positions are set: 204 whether or not anything changed, so the whole list is read back (contract 3.7)."""

    orders: Annotated[
        dict[RealUUID, OrderKey], ORDER_PAIRS, ORDER_SCHEMA, Shown([{"id": "<id of a rule>", "order_key": 0}])
    ] = Field(min_length=1, examples=ORDER_EXAMPLES)

    meant = {
        **dict.fromkeys(
            ("ids", "order", "rules", "rule_ids", "positions", "id", "order_key"),
            "give orders, a list of id and order_key",
        ),
    }
    advice = {
        "no_api_key_access": "PostHog before about September 2026 lets no API key reorder: reorder in PostHog's "
        "settings (Error tracking), or upgrade PostHog.",
    }

    def steps(self) -> Steps:
        sent = self.request()
        yield sent
        try:
            rules = yield from rules_from(sent.path.removesuffix("reorder/"))
        except StepError as failure:
            return Outcome(
                {"reordered": None},
                [f"PostHog accepted the call, but the new order could not be read back. {failure.summary}"],
            )
        wanted = {str(rule): position for rule, position in self.orders.items()}
        held = {str(rule.get("id")): rule.get("order_key") for rule in rules}
        unknown = [rule for rule in wanted if rule not in held]
        unmoved = [rule for rule, position in wanted.items() if rule in held and held[rule] != position]
        order = [{"id": rule.get("id"), "order_key": rule.get("order_key")} for rule in rules]
        notes = list[str]()
        if unmoved:
            notes.append(
                "Nothing was reordered: PostHog answered 204 but kept the old positions of "
                f"{', '.join(unmoved)}. It is too old for this call, or another reorder came in between."
            )
        if unknown:
            notes.append(f"Ignored, no rules of this project: {', '.join(unknown)}.")
        if len(set(held.values())) < len(held):
            notes.append("Some rules share a position; PostHog tries those in no defined order.")
        return Outcome({"order": order}, notes, failed=bool(unmoved) or len(unknown) == len(wanted))

    def snapshot(self) -> Snapshot:
        return {"results": (yield from rules_from(self.request().path.removesuffix("reorder/")))}

    def differences(self, after: Mapping[str, Any], current: Mapping[str, Any]) -> dict[str, tuple[Any, Any]] | None:
        held = {str(rule.get("id")): rule.get("order_key") for rule in as_objects(current.get("results"))}
        wanted = {str(rule): place for rule, place in self.orders.items()}
        return {
            f"order_key of {rule}": (place, held.get(rule)) for rule, place in wanted.items() if held.get(rule) != place
        }

    def inverse(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Endpoint | None:
        held = {str(rule.get("id")): rule.get("order_key") for rule in as_objects(before.get("results"))}
        return call_of(type(self), {"orders": {str(rule): held.get(str(rule)) for rule in self.orders}})


_MOST_RULES = 10_000
"""Rules after which no further page is read."""


def rules_from(path: str, offset: int | None = None) -> Generator[Request, Any, list[dict[str, Any]]]:
    """The rules from an offset on, page by page."""
    rules = list[dict[str, Any]]()
    while True:
        query = {"limit": 1000} | ({} if offset is None else {"offset": offset})
        page = as_object((yield Request("GET", path, query=query)))
        rules += as_objects(page.get("results"))
        following = next_offset(page.get("next"))
        if following is None or following <= (offset or 0) or len(rules) >= _MOST_RULES:
            return rules
        offset = following
