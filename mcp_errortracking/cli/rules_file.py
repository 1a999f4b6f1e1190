"""`mcp-errortracking rules export`, `plan`, `apply` and `lint`: the rules of a project in a file."""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from mcp_errortracking.cli.confirmation import WAY_ON, ask_at_terminal, can_ask, mode_of
from mcp_errortracking.cli.connection import EXIT_PROBLEM, Connection, ask_often, time_limit
from mcp_errortracking.cli.options import add_confirmation, add_connection, add_logging
from mcp_errortracking.config import ConfigError, PostHogSettings
from mcp_errortracking.system.replacement import replace

if TYPE_CHECKING:
    from mcp_errortracking.server.confirmation.argument import Mode
    from mcp_errortracking.workflows.rules_file.apply import Applied
    from mcp_errortracking.workflows.rules_file.plan import Plan
    from mcp_errortracking.workflows.rules_file.project import Call

EXIT_CHANGES = 2
_MOST_SIMULATED = 10
_PLAN_EPILOG = "exit codes: 0 no changes, 2 changes, 1 an error, even in the command or the file"
_APPLY_EPILOG = """\
A plan is refused if the rules in PostHog have changed since. After a failure, run the same command again: it goes on
where it stopped.

exit codes: 0 all of the plan is done and was read back, 1 an error, 2 invalid command or configuration
"""
_LINT_EPILOG = "exit codes: 0 no errors, 1 errors: PostHog refuses or disables a rule, or the file is broken"


def add_rules_file_commands(commands: Any) -> None:
    """Add the commands to those below `rules`."""

    def command(name: str, run: Callable[[argparse.Namespace], int], summary: str, epilog: str = "") -> Any:
        added = commands.add_parser(name, help=summary, description=f"{summary[:1].upper()}{summary[1:]}.")
        added.epilog = epilog
        added.set_defaults(run=run)
        return added

    add_connection(command("export", run_export, "print the rules of the project as a rules file"))
    plan = command("plan", run_plan, "compare a rules file with PostHog", _PLAN_EPILOG)
    plan.error = _error_of_plan
    plan.set_defaults(complain=_error_of_plan)
    plan.add_argument("file", metavar="FILE", help="the rules file")
    plan.add_argument("--out", metavar="PLAN", help="write the plan to this file, for rules apply")
    plan.add_argument("--delete", action="store_true", help="delete the rules that the file does not have")
    plan.add_argument("--no-simulate", action="store_true", help="do not count what the new filters match")
    add_connection(plan)
    apply = command("apply", run_apply, "carry out a plan, and read all rules back", _APPLY_EPILOG)
    apply.add_argument("plan", metavar="PLAN", help="a file that rules plan --out wrote")
    apply.add_argument("--delete", action="store_true", help="carry out a plan that deletes rules")
    add_confirmation(apply)
    apply.add_argument("--no-ids", action="store_true", help="do not write the ids of new rules into the rules file")
    add_connection(apply)
    lint = command("lint", run_lint, "check a rules file, without PostHog", _LINT_EPILOG)
    lint.add_argument("file", metavar="FILE", help="the rules file")
    add_logging(lint)


def run_export(options: argparse.Namespace) -> int:
    """Print the rules file of the project."""
    from mcp_errortracking.workflows.rules_file.project import Project
    from mcp_errortracking.workflows.rules_file.writing import rules_from_posthog

    async def work(call: "Call") -> str:
        return rules_from_posthog(await Project(call).rules())

    def run() -> int:
        with Connection(options) as settings:
            print(ask_often(settings, work, time_limit=time_limit(options)), end="")
        return 0

    return _guarded(run)


def run_plan(options: argparse.Namespace) -> int:
    """Print the changes, and write the plan."""
    from mcp_errortracking.workflows.rules_file.plan_file import write_plan
    from mcp_errortracking.workflows.rules_file.plan_words import plan_in_words

    def run() -> int:
        with Connection(options) as settings:
            plan = _make_plan(options, settings)
            print(plan_in_words(plan))
            if options.out:
                _replace(Path(options.out), write_plan(plan).encode())
            if plan.changes and not options.no_simulate:
                _print_effects(plan, settings, time_limit(options))
        return EXIT_CHANGES if plan.changes else 0

    try:
        return _guarded(run)
    except ConfigError as error:
        return _problem(str(error))


def _print_effects(plan: "Plan", settings: PostHogSettings, limit: float) -> None:
    """Print what the new filters of the plan match, rule by rule; of many, only of the first."""
    from mcp_errortracking.workflows.rules_file.effects import effects_of, new_filters

    found = new_filters(plan)

    async def work(call: "Call") -> list[str]:
        return await effects_of(found[:_MOST_SIMULATED], call)

    if not found:
        return
    print("Simulated on the exceptions of the last 7 days:")
    print("\n".join(f"  {line}" for line in ask_often(settings, work, time_limit=limit)))
    if len(found) > _MOST_SIMULATED:
        print(f"  {len(found) - _MOST_SIMULATED} more rules are not simulated: rules simulate KIND FILTERS does it.")


def _make_plan(options: argparse.Namespace, settings: PostHogSettings) -> "Plan":
    from mcp_errortracking.workflows.rules_file.document import read_rules
    from mcp_errortracking.workflows.rules_file.plan import Plan, plan_kinds
    from mcp_errortracking.workflows.rules_file.plan_file import digest_of
    from mcp_errortracking.workflows.rules_file.project import Project
    from mcp_errortracking.workflows.rules_file.yaml_text import read_yaml

    content = Path(options.file).read_bytes()
    file = read_rules(read_yaml(content, options.file))

    async def work(call: "Call") -> Any:
        return await Project(call).rules(list(file.rules))

    held = ask_often(settings, work, time_limit=time_limit(options))
    kinds = plan_kinds(file, held, delete=options.delete)
    path = str(Path(options.file).absolute())
    return Plan(settings.host, settings.project, path, digest_of(content), file.people, kinds)


def run_apply(options: argparse.Namespace) -> int:
    """Carry out a plan."""
    from mcp_errortracking.workflows.rules_file.apply import ChangedError, apply
    from mcp_errortracking.workflows.rules_file.plan_file import read_plan
    from mcp_errortracking.workflows.rules_file.project import Project

    def run() -> int:
        plan = read_plan(Path(options.plan).read_bytes())
        deletes = sum(len(kind.deletes) for kind in plan.kinds)
        if deletes and not options.delete:
            return _problem(f"The plan deletes {deletes} rules, and nothing was sent. To carry it out, add --delete.")

        async def work(call: "Call") -> "Applied":
            return await apply(plan, Project(call), lambda line: print(line, flush=True))

        with Connection(options) as settings:
            if (settings.host, settings.project) != (plan.host, plan.project):
                return _problem(_other_project(plan, settings))
            if (refusal := _refusal(plan, mode_of(options))) is not None:
                return _problem(refusal)
            try:
                applied = ask_often(settings, work, time_limit=time_limit(options))
            except ChangedError as error:
                changes = "\n".join(f"  {line}" for line in error.differences)
                return _problem(f"PostHog changed since the plan was made, and nothing was sent:\n{changes}\n{_AGAIN}")
        return _report(plan, applied, write_ids=not options.no_ids)

    return _guarded(run)


def _refusal(plan: "Plan", mode: "Mode") -> str | None:
    """Ask about a plan whose changes are confirmed; return why it is not carried out, None if it is."""
    from mcp_errortracking.catalog import CATALOG
    from mcp_errortracking.server.confirmation.argument import is_confirmed
    from mcp_errortracking.workflows.rules_file.plan_words import plan_in_words

    tools = [CATALOG[name] for name in plan.tools]
    if not any(is_confirmed(mode, read_only=one.read_only, destructive=one.destructive) for one in tools):
        return None
    words = plan_in_words(plan)
    if not can_ask():
        return f"The plan needs the consent of a person. Nothing was changed.\n{words}\n{WAY_ON}"
    question = f"Allow this plan in project {plan.project} of {plan.host}?\n{words}"
    return None if ask_at_terminal(question) == "accept" else "The plan was declined. Nothing was changed."


_AGAIN = "Make a new plan: rules plan FILE --out PLAN."


def _report(plan: "Plan", applied: "Applied", *, write_ids: bool) -> int:
    earlier = f" {applied.before} were done before." if applied.before else ""
    if write_ids:
        _write_ids(plan, applied)
    if applied.failure:
        rest = plan.changes - applied.before - applied.done
        return _problem(
            f"{applied.failure}\n{applied.done} of {plan.changes} changes were made.{earlier} {rest} are left. "
            "Run the same command again: it goes on where it stopped."
        )
    if applied.differences:
        lines = "\n".join(f"  {line}" for line in applied.differences)
        return _problem(f"The changes were sent, but the rules read back differ from the plan:\n{lines}\n{_AGAIN}")
    print(f"{applied.done} of {plan.changes} changes were made.{earlier} All rules were read back and are as planned.")
    return 0


def _write_ids(plan: "Plan", applied: "Applied") -> None:
    """Write the ids of new rules into the rules file, so that a rule can be renamed or changed there."""
    from mcp_errortracking.workflows.rules_file.ids import add_ids
    from mcp_errortracking.workflows.rules_file.plan_file import digest_of

    count = sum(map(len, applied.ids.values()))
    if not count:
        return
    path, added = Path(plan.file), None
    try:
        content = path.read_bytes()
        if digest_of(content) == plan.digest:
            added = add_ids(content, path.name, applied.ids)
        if added is not None:
            _replace(path, added)
    except OSError:
        added = None
    if added is None:
        print(
            f"The ids of {count} new rules were not written to {plan.file}: it is not there or was changed. The next "
            "plan recognizes the rules by their filters.",
            file=sys.stderr,
        )
    else:
        print(f"The ids of {count} new rules were written to {plan.file}.")


def run_lint(options: argparse.Namespace) -> int:
    """Print the findings about a rules file."""
    from mcp_errortracking.workflows.rules_file.document import read_rules
    from mcp_errortracking.workflows.rules_file.lint_file import lint_rules
    from mcp_errortracking.workflows.rules_file.yaml_text import read_yaml

    def run() -> int:
        file = read_rules(read_yaml(Path(options.file).read_bytes(), options.file))
        found = lint_rules(file)
        for level, text in found:
            print(f"{level}: {text}")
        errors = sum(level != "warning" for level, _ in found)
        print(f"{len(file.all())} rules checked, {errors} errors, {len(found) - errors} warnings.")
        return EXIT_PROBLEM if errors else 0

    return _guarded(run)


def _guarded(run: Callable[[], int]) -> int:
    """Run a command; print what stops it."""
    from mcp_errortracking.workflows.rules_file.errors import MissingYamlError, RulesFileError
    from mcp_errortracking.workflows.rules_file.plan_file import PlanFileError
    from mcp_errortracking.workflows.rules_file.project import ProjectError

    try:
        return run()
    except (MissingYamlError, RulesFileError, PlanFileError, ProjectError) as error:
        return _problem(str(error))
    except OSError as error:
        if isinstance(error, BrokenPipeError) or error.filename is None:
            raise
        return _problem(f"{error.filename}: {error.strerror}")


def _problem(text: str) -> int:
    print(f"mcp-errortracking: {text}", file=sys.stderr)
    return EXIT_PROBLEM


def _error_of_plan(message: str) -> NoReturn:
    """End `plan` with 1 where argparse says 2, which means changes here."""
    raise SystemExit(_problem(f"{message}. See: mcp-errortracking rules plan --help"))


def _other_project(plan: "Plan", settings: PostHogSettings) -> str:
    return (
        f"The plan is for project {plan.project} of {plan.host}, the configured one is {settings.project} of "
        f"{settings.host}. Nothing was sent. Set POSTHOG_HOST and POSTHOG_PROJECT_ID, or make a new plan."
    )


def _replace(path: Path, content: bytes) -> None:
    """Write a file at once: a reader, or a full disk, never leaves half of it."""
    path = path.resolve()
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        if path.exists():
            shutil.copymode(path, part)
        replace(part, path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
