"use strict";
const LIST = "query-error-tracking-issues-list", UPDATE = "error-tracking-issues-partial-update";
const ASSIGN = "error-tracking-issues-assign-partial-update", MERGE = "error-tracking-issues-merge-create";
const RANGES = {"-24h": "24 hours", "-7d": "7 days", "-30d": "30 days", "-90d": "90 days"};
const ORDERS = {last_seen: "Last seen", first_seen: "First seen", occurrences: "Occurrences", users: "Users",
  sessions: "Sessions"};
const SEVERITY_NAMES = ["", "low", "medium", "high", "critical"];
const SEVERITIES = h("select", {}, SEVERITY_NAMES.map(one => option(one, one || "No severity")));
const MORE = ["assignee", "release", "url"];
const chosen = new Set();
let owner = null;  // the fields of the assignee in the filters
let args = {};

const bucketsOf = issue => { const a = obj(issue.aggregations); return list(a.volume_buckets || a.volumeRange); };
const label = issue => plain(issue.name, 120) || plain(issue.id, 40);

function filters() {
  const range = obj(args.dateRange).date_from || "-7d";
  const form = h("form", {class: "bar", role: "search", onenter: () => query(0)},
    field("Search", h("input", {name: "searchQuery", type: "search", value: plain(args.searchQuery, 500)}), true),
    field("Status", select("status", args.status || "active", {active: "Active", resolved: "Resolved",
      suppressed: "Suppressed", all: "All"})),
    field("Since", select("range", range, {...(RANGES[range] ? {} : {[range]: plain(range, 40)}), ...RANGES})),
    field("Order", select("orderBy", args.orderBy || "last_seen", ORDERS)),
    button("Apply", () => query(0), {class: "main"}),
    h("details", {class: "more", open: MORE.some(name => args[name] !== undefined)}, h("summary", {}, "More filters"), h("div", {class: "bar"},
      (owner = chooser(args.assignee)).fields,
      field("Release", h("input", {name: "release", value: plain(args.release, 200)})),
      field("URL contains", h("input", {name: "url", value: plain(args.url, 500)}), true))));
  form.id = "filters";
  return form;
}
function query(offset) {
  const given = new FormData($("filters")), text = given.get("searchQuery").trim();
  const {searchQuery, assignee, release, url, ...rest} = args, more = {assignee: owner.value()};
  for (const name of ["release", "url"]) more[name] = given.get(name).trim();
  args = {...rest, status: given.get("status"), orderBy: given.get("orderBy"), offset, volumeResolution: 24,
    dateRange: {...obj(args.dateRange), date_from: given.get("range")}};
  if (text) args.searchQuery = text;
  for (const name of MORE) if (more[name]) args[name] = more[name];
  chosen.clear();
  app.setArguments(args);
  say("");
  return app.reload();
}
async function act(event, issue, tool, more, done, change_) {
  if (await change(event.currentTarget, tool, {id: issue.id, ...more}, `${done}: ${label(issue)}.`)) {
    change_(issue);
    $(`i${issue.id}`).replaceWith(row(issue));
    const next = $(`i${issue.id}`).querySelector("button");
    if (next) next.focus();
  }
}
function assign(opener, issue) {
  const {fields, value} = chooser();
  ask(opener, `Assign ${label(issue)}`, h("div", {class: "bar"}, fields), "Assign").then(async yes => {
    const assignee = value();
    if (!yes || !assignee) return;
    const answer = await change(opener, ASSIGN, {id: issue.id, assignee}, `Assigned to ${assignee.id}: ${label(issue)}.`);
    if (answer) { issue.assignee = obj(answer.data).assignee || assignee; rendering(() => $(`i${issue.id}`).replaceWith(row(issue))); }
  });
}
function row(issue) {
  const counts = obj(issue.aggregations), status = plain(issue.status, 40), owner = obj(issue.assignee);
  const set = (to, text, done, className) => button(text, event =>
    act(event, issue, UPDATE, {status: to}, done, one => { one.status = to; }),
    {class: className, "aria-label": `${text}: ${label(issue)}`});
  const severity = SEVERITIES.cloneNode(true);
  severity.setAttribute("aria-label", `Severity of ${label(issue)}`);
  severity.value = SEVERITY_NAMES.includes(issue.severity) ? issue.severity : "";
  const save = button("Set", event => act(event, issue, UPDATE, {severity: severity.value || null}, "Severity set",
    one => { one.severity = severity.value || null; }), {"aria-label": `Set the severity of ${label(issue)}`, hidden: true});
  severity.addEventListener("change", () => { save.hidden = severity.value === (issue.severity || ""); });
  return h("li", {class: "row", id: `i${issue.id}`},
    offers(MERGE) && h("input", {type: "checkbox", checked: chosen.has(issue.id), "aria-label": `Select ${label(issue)}`,
      onchange: event => { if (event.target.checked) chosen.add(issue.id); else chosen.delete(issue.id); merging(); }}),
    h("div", {class: "what"},
      h("div", {}, host.context.pages || host.can.message ? h("button", {type: "button", class: "plain name", onclick: () => open_(issue)}, theirs(issue.name, 200))
        : h("span", {class: "name"}, theirs(issue.name, 200)), " ", h("span", {class: "tag"}, status)),
      h("div", {class: "dim"}, theirs(issue.description, 300)),
      h("div", {class: "dim"}, theirs(issue.source, 120), " · first ", time(issue.first_seen), " · last ", time(issue.last_seen)),
      owner.id !== undefined && h("div", {class: "dim"}, "Assigned to ", theirs(words(owner.type, owner.id), 120))),
    h("div", {class: "slot"}, trend(bucketsOf(issue))),
    h("div", {class: "counts"}, h("div", {}, number(counts.occurrences), " times"), h("div", {class: "dim"}, number(counts.users), " users"),
      h("div", {class: "dim"}, number(counts.sessions), " sessions")),
    h("div", {class: "bar"},
      offers(UPDATE) && (status === "active" ? set("resolved", "Resolve", "Resolved") : set("active", "Reopen", "Reopened")),
      offers(UPDATE) && status === "active" && set("suppressed", "Suppress", "Suppressed", "danger"),
      offers(ASSIGN) && button("Assign", event => assign(event.currentTarget, issue), {"aria-label": `Assign ${label(issue)}`}),
      offers(UPDATE) && severity, offers(UPDATE) && save, openLink(issue._posthogUrl)));
}
// Our own host opens the page of an issue; in others, the assistant is asked for it, in the name of the user.
function open_(issue) {
  const text = `Show issue ${issue.id} with query-error-tracking-issue.`;
  const [method, params] = host.context.pages ? [`${DATA}/open`, {page: "issue", arguments: {issueId: issue.id}}]
    : ["ui/message", {role: "user", content: [{type: "text", text}]}];
  wire.request(method, params).catch(error => say(error.message, "bad"));
}
function merging() {
  const bar = $("merging");
  bar.hidden = chosen.size < 2;
  bar.querySelector("button").textContent = `Merge ${chosen.size} issues`;
}
let rows = [];
async function merge(event) {
  const opener = event.currentTarget, [into, ...others] = rows.filter(one => chosen.has(one.id));
  const body = h("div", {}, h("p", {}, "These issues are deleted for good; their events move into ", h("b", {}, theirs(into.name, 120)), ":"),
    h("ul", {}, others.map(one => h("li", {}, theirs(one.name, 120), " ", theirs(one.description, 120)))));
  if (!await ask(opener, "Merge issues", body, "Merge", "danger")) return;
  if (await change(opener, MERGE, {id: into.id, ids: others.map(one => one.id)}, `Merged ${others.length} into ${label(into)}.`)) {
    chosen.clear();
    await app.reload();
  }
}
// The trends cost a request of their own if the list came without them.
async function trends() {
  try {
    const data = await read(LIST, {...args, volumeResolution: 24});
    for (const one of list(data.results).map(obj)) {
      const known = rows.find(issue => issue.id === one.id);
      if (!known) continue;
      known.aggregations = one.aggregations;
      const slot = $(`i${one.id}`);
      if (slot) slot.querySelector(".slot").replaceChildren(...[trend(bucketsOf(one))].filter(Boolean));
    }
  } catch { /* the list is complete without them */ }
}
const app = start({name: "issues", tool: LIST, show(data, given) {
  args = {...given};
  rows = list(data.results).map(obj).filter(one => typeof one.id === "string" && /^[\w-]+$/.test(one.id));
  const offset = Number(args.offset) || 0, next = data.next_offset;
  $("out").replaceChildren(...(host.can.serverTools ? [filters()] : []),
    rows.length ? paged(rows, row, {size: 25, label: "Issues", noun: "issues"}) : h("p", {}, "No issue matches. Try another status or a longer range."),
    h("div", {class: "bar", id: "merging", hidden: true}, button("Merge", merge, {class: "danger"})),
    h("nav", {class: "bar", "aria-label": "Pages of the list"},
      offset > 0 && button("Previous page", () => query(Math.max(0, offset - (Number(args.limit) || 25)))),
      isNumber(next) && button("Next page", () => query(next))));
  if (rows.length && host.can.serverTools && !rows.some(one => bucketsOf(one).length)) trends();
}});
