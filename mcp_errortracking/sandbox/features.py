"""The behaviour of a PostHog of a certain age, flag by flag (contract 1.2, 2.3, 2.4, 3, 4, 6)."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Features:
    """The newest PostHog; older ones differ in some flags."""

    projects_paths: bool = True
    """`/api/projects/` knows every route; else it knows symbol_sets and releases only."""
    rewritten_environments: bool = True
    """`/api/environments/` is an alias that says it is deprecated."""
    challenge_metadata: bool = True
    """A 401 names the metadata of the protected resource."""
    reorder_scope: bool = True
    """An API key may reorder rules."""
    reorder_refusal: str = "This action does not support personal API key access"
    reorder_ignores: bool = False
    """A reorder answers 204 and changes nothing."""
    order_key_on_create: bool = True
    patch_reenables: bool = True
    """Any update of a rule clears its `disabled_data`."""
    rule_timestamps: bool = True
    rule_serializers: bool = True
    """Missing fields of a rule are named by a serializer; else by a bare `error`."""
    fingerprint_ids: bool = True
    """Fingerprint records have an id, and the list takes `issue_id`."""
    symbol_set_extras: bool = True
    """`download` and `bulk_delete` exist."""
    bulk_check: bool = True
    optional_count: bool = True
    """The list of symbol sets takes `include_count`."""
    content_length: bool = True
    """A declared length earns a presigned PUT."""
    object_storage: bool = True
    """The server has object storage; without it nothing can be uploaded or downloaded."""
    storage_forms: bool = True
    """Object storage takes uploads by form; else it answers 501, as some do."""
    conflict_flags: bool = True
    """`force` and `skip_on_conflict` count; else differing content is always refused."""
    finish_keeps_rows: bool = True
    """A failed finish keeps the sets it names, and unknown ids are refused; else they are deleted, and ignored."""
    issue_queries: bool = True
    """Queries about issues, settings, spikes and recommendations exist."""
    lean_queries: bool = True
    """Queries about issues answer as today: groups of properties to include, references between stacks, cut texts,
    breakdowns, 10 rows, volume on request; else by verbosity, with 25 rows and one bucket of volume."""
    bypass_rules: bool = True
    severity_rules: bool = True
    has_uploaded_file: bool = True
    """Symbol sets show `has_uploaded_file`; else `storage_ptr`."""
    symbol_set_updates: bool = True
    """An API key may PUT and PATCH a symbol set, which changes nothing."""
    newest_paths: bool = True
    """Paths newer than the ages below exist, like `fingerprints/resolve`. Routes of new endpoints name this flag."""
    issue_actions: bool = True
    """API keys may merge, split, assign, tie to a cohort and change in bulk; and `issues/values` answers an object."""
    issue_severity: bool = True
    grouping_pages: bool = False
    """The list of grouping rules comes in pages."""
    sampling_rate: bool = True
    """Suppression rules have a `sampling_rate`."""
    release_hash_code: bool = True
    """A hash id in use has a code of its own."""
    external_links: bool = True
    """Issues elsewhere can be searched and linked; references have `external_id` and `title`."""
    every_function: bool = True
    """A list of hog functions that names no type has all of them; else only destinations."""
    member_search: bool = True
    """The list of members takes `search`."""
    source_links: bool = False
    """`git-provider-file-links/resolve` exists; it is on a branch of PostHog's only."""
    auto_resolve: bool = False
    """The settings have `auto_resolve_after_days`; on a branch of PostHog's only."""
    alert_history: bool = True
    """Destinations of alerts have their deliveries and keep their id; the throttle ends at 30 days."""
    cli_login: bool = True
    """Command lines sign in by a device code."""
    cli_scopes: bool = True
    """The person who approves such a login chooses its scopes; else they are fixed."""
    alerts: bool = False
    """The feature behind `error_tracking/alerts` is on; else it answers 403."""
    query_budget_spent: bool = False
    """Every query finds that the project's hourly budget is spent."""
    tracker_throttles: bool = False
    """GitHub answers each search for its issues with a 429 of its own."""
    breakdown_fails: bool = False
    """No breakdown of an issue can be calculated."""
    merge_conflicts: bool = False
    """Every merge finds that fingerprints changed meanwhile."""
    refresh_fails: bool = False
    """No recommendation can be computed right now."""


NEW = Features()

AGES: dict[str, Features] = {
    "new": NEW,
    "2026-06": replace(
        NEW,
        rewritten_environments=False,
        reorder_scope=False,
        order_key_on_create=False,
        bulk_check=False,
        optional_count=False,
        content_length=False,
        lean_queries=False,
        severity_rules=False,
        symbol_set_updates=False,
        newest_paths=False,
        issue_severity=False,
        release_hash_code=False,
        external_links=False,
        alert_history=False,
    ),
    "2025": Features(
        projects_paths=False,
        rewritten_environments=False,
        challenge_metadata=False,
        reorder_scope=False,
        reorder_refusal="This action does not support Personal API Key access",
        order_key_on_create=False,
        patch_reenables=False,
        rule_timestamps=False,
        rule_serializers=False,
        fingerprint_ids=False,
        symbol_set_extras=False,
        bulk_check=False,
        optional_count=False,
        content_length=False,
        conflict_flags=False,
        finish_keeps_rows=False,
        issue_queries=False,
        lean_queries=False,
        bypass_rules=False,
        severity_rules=False,
        has_uploaded_file=False,
        symbol_set_updates=False,
        newest_paths=False,
        issue_actions=False,
        issue_severity=False,
        grouping_pages=True,
        sampling_rate=False,
        release_hash_code=False,
        external_links=False,
        every_function=False,
        member_search=False,
        alert_history=False,
        cli_login=False,
        cli_scopes=False,
    ),
}
