"use strict";
const ISSUE = "query-error-tracking-issue", EVENTS = "query-error-tracking-issue-events";
const UPDATE = "error-tracking-issues-partial-update", ASSIGN = "error-tracking-issues-assign-partial-update";
const GROUPS = ["exception", "stacktrace", "environment", "release", "navigation"];
const LATEST = 10;
let args = {}, issue = {}, offset = 0;

const title = () => plain(issue.name, 120) || plain(args.issueId, 40);
const fact = (name, value) => value !== null && value !== undefined && value !== "" &&
  h("div", {}, h("dt", {}, name), h("dd", {}, value.nodeType ? value : String(value)));
async function update(event, more, done) {
  if (await change(event.currentTarget, UPDATE, {id: args.issueId, ...more}, `${done}: ${title()}.`)) {
    Object.assign(issue, more);
    summary();
    $("actions").querySelector("button").focus();
  }
}
function actions() {
  const status = issue.status;
  const set = (to, text, done, className) => button(text, event => update(event, {status: to}, done), {class: className});
  const severity = h("select", {}, ["", "low", "medium", "high", "critical"].map(one =>
    option(one, one || "No severity", issue.severity || "")));
  const {fields, value} = chooser();
  const assign = async () => {
    const assignee = value();
    if (!assignee) return;
    const answer = await change($("assign"), ASSIGN, {id: args.issueId, assignee}, `Assigned to ${assignee.id}: ${title()}.`);
    if (answer) { issue.assignee = obj(answer.data).assignee || assignee; rendering(summary); }
  };
  return h("div", {class: "bar", id: "actions"},
    offers(UPDATE) && (status === "active" ? set("resolved", "Resolve", "Resolved", "main") : set("active", "Reopen", "Reopened", "main")),
    offers(UPDATE) && status === "active" && set("suppressed", "Suppress", "Suppressed", "danger"),
    offers(UPDATE) && field("Severity", severity),
    offers(UPDATE) && button("Set severity", event => update(event, {severity: severity.value || null}, "Severity set")),
    offers(ASSIGN) && h("form", {class: "bar", onenter: assign}, fields, button("Assign", assign, {id: "assign"})),
    openLink(issue._posthogUrl));
}
function breakdown() {
  const values = obj(obj(issue.breakdown).top_values), total = obj(issue.breakdown).occurrences;
  return Object.entries(values).filter(([, found]) => list(found).length).slice(0, 12).map(([name, found]) =>
    h("section", {}, h("h3", {}, plain(name, 60).replaceAll("_", " ")), h("ul", {class: "rows"}, list(found).slice(0, 10).map(obj).map(one =>
      h("li", {}, theirs(one.value, 200), h("span", {class: "dim"}, ` ${number(one.count)}`,
        isNumber(total) && total > 0 && isNumber(one.count) ? ` (${Math.round(one.count / total * 100)} %)` : ""))))));
}
function summary() {
  const counts = {...obj(issue.aggregations), ...obj(issue.impact)}, release = obj(issue.latest_release);
  const owner = obj(issue.assignee), top = obj(issue.top_in_app_frame);
  const buckets = list(issue.sparkline).length ? issue.sparkline : counts.volume_buckets || counts.volumeRange;
  $("summary").replaceChildren(
    h("h2", {}, theirs(issue.name, 300), " ", h("span", {class: "tag"}, plain(issue.status, 40)), " ",
      issue.severity && h("span", {class: "tag"}, plain(issue.severity, 40))),
    h("p", {}, theirs(issue.description, 2000)), ...(host.can.serverTools ? [actions()] : []),
    h("dl", {class: "facts"}, fact("Occurrences", number(counts.occurrences)), fact("Users", number(counts.users)),
      fact("Sessions", number(counts.sessions)), fact("First seen", time(issue.first_seen)), fact("Last seen", time(issue.last_seen)),
      owner.id !== undefined && fact("Assigned to", theirs(words(owner.type, owner.id), 120)),
      release.version && fact("Latest release", theirs(words(release.project, release.version), 120)),
      top.source && fact("Top frame", theirs(words(top.function, `${plain(top.source, 200)}:${isNumber(top.line) ? top.line : ""}`), 200))),
    trend(buckets, "wide") || "", h("div", {class: "facts"}, breakdown()));
}
function frameRow(frame) {
  const readable = frame.resolved !== false;
  const place = `${plain(frame.source, 400) || "unknown file"}${isNumber(frame.line) ? ":" + frame.line : ""}${isNumber(frame.column) ? ":" + frame.column : ""}`;
  const around = obj(frame.context), lines = [...list(around.before).slice(-20), around.line, ...list(around.after).slice(0, 20)].map(obj).filter(one => one.line !== undefined);
  return h("li", {class: "row"}, h("div", {class: "what"},
    h("div", {}, h("span", {class: "name"}, theirs(frame.resolved_name || frame.mangled_name || "anonymous", 200)), " ",
      h("span", {class: "tag"}, frame.in_app ? "in app" : "library"), " ", !readable && h("span", {class: "tag bad"}, "not readable")),
    h("code", {class: "dim"}, theirs(place, 400)),
    frame.resolve_failure && h("div", {class: "bad"}, theirs(frame.resolve_failure, 500)),
    lines.length > 0 && h("pre", {}, lines.map(one => `${plain(one.number, 20)}  ${plain(one.line, 300)}`).join("\n"))));
}
function exception(one) {
  const frames = list(obj(one.stacktrace).frames).map(obj).reverse(), inApp = frames.filter(frame => frame.in_app);
  const all = h("details", {}, h("summary", {}, `All ${number(frames.length)} frames, nearest first`));
  all.addEventListener("toggle", () => { if (all.open && all.children.length === 1)
    all.append(paged(frames, frameRow, {tag: "ol", label: "All frames", noun: "frames"})); });
  return h("section", {}, h("h3", {}, theirs(one.type, 200), ": ", theirs(one.value, 1000)),
    inApp.length ? paged(inApp, frameRow, {tag: "ol", label: "Frames in app", noun: "frames"}) : h("p", {class: "dim"}, "No frame of the app itself."),
    frames.length > inApp.length && all);
}
const releasesOf = event => Object.values(obj(obj(event.properties).$exception_releases)).slice(0, 20).map(obj)
  .map(one => `${plain(one.project, 80)} ${plain(one.version, 80)}`.trim());
function showEvent(event, next) {
  const p = obj(event.properties), exceptions = list(p.$exception_list).map(obj);
  const releases = releasesOf(event);
  const known = {"$current_url": "URL", "$browser": "Browser", "$os": "System", "$lib": "Library", "$exception_level": "Level", "$session_id": "Session"};
  $("event").replaceChildren(
    h("div", {class: "bar"}, button("Newer event", () => events(offset - 1), {disabled: offset < 1}),
      button("Older event", () => events(offset + 1), {disabled: !isNumber(next)}),
      offers("source-maps-resolve") && button("Show source lines", resolve)),
    h("dl", {class: "facts"}, fact("Time", time(event.timestamp)), fact("User", theirs(event.distinct_id, 120)),
      Object.entries(known).map(([key, name]) => p[key] ? fact(name, theirs(p[key], 300)) : false),
      releases.length > 0 && fact("Release", theirs(releases.join(", "), 200))),
    exceptions.length ? h("div", {}, exceptions.slice(0, 20).map(exception)) : h("p", {}, "This event has no stack trace."),
    h("div", {id: "source"}));
}
async function events(at) {
  $("event").setAttribute("aria-busy", "true");
  try {
    const data = await read(EVENTS, {issueId: args.issueId, include: GROUPS, onlyAppFrames: false, limit: 1, offset: at,
      ...(args.dateRange ? {dateRange: args.dateRange} : {})});
    offset = at;
    const [event] = list(data.results);
    if (event) rendering(() => showEvent(obj(event), data.next_offset));
    else $("event").replaceChildren(h("p", {}, "No event in this range. Try a longer one."));
  } catch (error) {
    $("event").replaceChildren(h("p", {class: "bad", role: "alert"}, error.message), button("Load the event again", () => events(at)));
  } finally { $("event").removeAttribute("aria-busy"); }
}
// The latest events in one line each, and the releases that they are of.
async function listEvents(box) {
  box.replaceChildren(h("p", {class: "dim"}, "Loading…"));
  try {
    const found = list((await read(EVENTS, {issueId: args.issueId, include: ["environment", "release", "navigation"], limit: LATEST,
      ...(args.dateRange ? {dateRange: args.dateRange} : {})})).results).map(obj);
    const releases = new Map();
    for (const name of found.flatMap(releasesOf)) releases.set(name, (releases.get(name) || 0) + 1);
    box.replaceChildren(
      releases.size ? h("p", {}, "Releases: ", [...releases].map(([name, count], at) => [at ? ", " : "", theirs(name, 120), ` (${number(count)})`]).flat()) : "",
      h("ol", {class: "rows", "aria-label": "The latest events"}, found.map((one, at) => h("li", {class: "row"}, h("div", {class: "what"},
        time(one.timestamp), " · ", theirs(one.distinct_id, 120), h("div", {class: "dim"}, theirs([obj(one.properties).$browser,
          obj(one.properties).$os, obj(one.properties).$current_url].filter(Boolean).map(part => plain(part, 200)).join(" · "), 400))),
        button("Show", () => events(at), {"aria-label": `Show event ${at + 1}`})))));
  } catch (error) { box.replaceChildren(h("p", {class: "bad", role: "alert"}, error.message), button("Load the list again", () => listEvents(box))); }
}
function latest() {
  const box = h("div", {}), all = h("details", {}, h("summary", {}, `List the latest ${LATEST} events and their releases`), box);
  all.addEventListener("toggle", () => { if (all.open && !box.childElementCount) listEvents(box); });
  return all;
}
async function resolve(click) {
  const free = busy(click.currentTarget);
  try {
    const answer = await call("source-maps-resolve", {issue: args.issueId});
    $("source").replaceChildren(h("h3", {}, "Source of its newest event"), h("pre", {class: answer.failed ? "bad" : ""}, answer.text));
  } catch (error) { say(error.message, "bad"); }
  free();
}
async function details() {
  try {
    const more = await read(ISSUE, {issueId: args.issueId, includeSparkline: true, includeBreakdown: true,
      ...(args.dateRange ? {dateRange: args.dateRange} : {})});
    Object.assign(issue, more);
    rendering(summary);
  } catch (error) { if (!issue.id) $("summary").replaceChildren(h("p", {class: "bad", role: "alert"}, error.message)); }
}
start({name: "issue", tool: ISSUE, toolFor: () => ISSUE, show(data, given) {
  args = {issueId: typeof data.id === "string" ? data.id : given.issueId, dateRange: given.dateRange};
  $("out").replaceChildren(h("section", {id: "summary", "aria-label": "Summary"}), h("h2", {}, "Latest events"), offers(EVENTS) ? latest() : "", h("section", {id: "event", "aria-label": "Event"}));
  const isEvents = Array.isArray(data.results);
  issue = isEvents ? {} : data;
  if (!isEvents) summary();
  offset = isEvents ? Number(given.offset) || 0 : 0;
  if (isEvents && data.results.length && obj(obj(data.results[0]).properties).$exception_list) showEvent(obj(data.results[0]), data.next_offset);
  else if (host.can.serverTools) events(offset);
  if (host.can.serverTools && !(issue.sparkline && issue.breakdown)) details();
}});
