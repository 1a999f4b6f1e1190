"""A rules file as data: names, assignees, settings, and each mistake with its line."""

import pytest

from mcp_errortracking.workflows.rules_file.document import read_people, read_rules
from mcp_errortracking.workflows.rules_file.errors import RulesFileError
from mcp_errortracking.workflows.rules_file.yaml_text import read_yaml

ID = "01936f2e-7a51-7000-8000-0000000000f1"
ALL = "filters: {type: AND, values: []}"
ONE = "filters: {type: or, values: [{key: age, value: '5', operator: gt}]}"


def problems(text: str) -> list[str]:
    with pytest.raises(RulesFileError) as caught:
        read_rules(read_yaml(text.encode(), "f"))
    return list(caught.value.problems)


def test_settings_are_as_they_are_sent() -> None:
    file = read_rules(
        read_yaml(
            f"version: 1\nassignees: {{ops: {{role: {ID.upper()}}}}}\n"
            f"assignment:\n  - {{name: a, id: {ID.upper()}, assignee: ops, {ONE}}}\n"
            f"suppression:\n  - {{name: a, sampling_rate: 1, {ALL}}}\n  - {{name: b, {ALL}}}\n"
            f"grouping: []\n".encode(),
            "f",
        )
    )
    (rule,) = file.rules["assignment"]
    condition = {"key": "age", "type": "event", "operator": "gt", "value": 5}
    assert rule.settings == {"assignee": {"type": "role", "id": ID}, "filters": {"type": "OR", "values": [condition]}}
    assert rule.written_filters["values"] == [{**condition, "value": "5"}]
    assert rule.id == ID
    assert [one.settings["sampling_rate"] for one in file.rules["suppression"]] == [1.0, 1.0]
    assert list(file.rules) == ["suppression", "grouping", "assignment"]


def test_every_mistake_is_listed_with_its_line() -> None:
    assert problems(
        f"""\
version: 2
owner: x
assignees:
  ada: {{user: 1, role: {ID}}}
  bob: {{user: 0}}
assignment:
  - name: ""
    {ALL}
  - {{name: a, assignee: eve, {ALL}}}
  - {{name: a, enabled: true, {ALL}}}
  - {{name: b, id: 7, filters: []}}
severity:
  - {{name: a, {ALL}}}
  - {{name: b, severity: huge, {ALL}}}
suppression:
  - {{name: a, sampling_rate: true, {ALL}}}
  - {{name: b, id: {ID}, {ALL}}}
  - {{name: c, id: {ID}, {ALL}}}
grouping: {{}}
bypass: [x]
"""
    ) == [
        'f:2: unknown key "owner"; known: version, assignees, suppression, grouping, assignment, severity, bypass.',
        "f:1: version must be 1: the version of this format.",
        "f:4: an assignee must be {user: <integer id>} or {role: <UUID>}.",
        "f:5: an assignee must be {user: <integer id>} or {role: <UUID>}.",
        "f:16: sampling_rate must be a number from 0 to 1: the share that is dropped.",
        "f:18: another rule has this id.",
        "f:19: grouping must be a list of rules; write [] for none.",
        "f:7: name must be a text of at most 200 characters.",
        'f:9: "eve" is not in assignees: add it there.',
        'f:10: unknown key "enabled"; known: name, id, assignee, filters.',
        "f:10: another rule of assignment has this name.",
        "f:11: filters must be {type: AND or OR, values: [...]}.",
        "f:11: id must be the UUID of the rule in PostHog; leave it out for a new rule.",
        "f:13: severity is missing: low, medium, high or critical.",
        "f:14: severity must be low, medium, high or critical.",
        "f:20: a rule of bypass must be a mapping of keys to values.",
        "f:20: name must be a text of at most 200 characters.",
        "f:20: filters must be {type: AND or OR, values: [...]}.",
    ]


@pytest.mark.parametrize(
    ("rule", "refusal"),
    [
        ("{name: a, filters: {type: AND, values: []}}", "f:3: PostHog refuses a bypass rule without a condition."),
        (
            "{name: a, filters: {type: AND, values: [{key: a, operator: like_a, value: b}]}}",
            "filters.values[0].operator",
        ),
        ("{name: a, filters: {type: AND, values: [{key: 1, type: cohort, value: 2}]}}", "f:3: filters"),
    ],
)
def test_filters_that_posthog_refuses_are_noted_for_the_plan(rule: str, refusal: str) -> None:
    file = read_rules(read_yaml(f"version: 1\nbypass:\n  - {rule}\n".encode(), "f"))
    assert refusal in file.rules["bypass"][0].refusal


def test_a_map_of_owners_names_users_and_roles() -> None:
    text = f'"@a": {{user: 1}}\n"@b/c": {{role: {ID}}}\n'
    assert read_people(read_yaml(text.encode(), "f")) == {
        "@a": {"type": "user", "id": 1},
        "@b/c": {"type": "role", "id": ID},
    }


def test_a_problem_that_quotes_the_file_is_one_line_without_control_characters() -> None:
    assert problems('version: 1\n"a\\n::error::\\e[2J": 1\n') == [
        'f:2: unknown key "a ::error:: [2J"; known: version, assignees, suppression, grouping, assignment, severity, '
        "bypass."
    ]
