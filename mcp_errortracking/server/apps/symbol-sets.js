"use strict";
const LIST = "error-tracking-symbol-sets-list", DELETE = "error-tracking-symbol-sets-destroy", CHECK = "source-maps-check";
const KEPT_DAYS = 30, SOON_DAYS = 7;  // PostHog deletes what was not used for so long
const ISSUES = "query-error-tracking-issues-list", EVENTS = "query-error-tracking-issue-events";
let args = {}, sets = [], data = {};
let spoiled = new Map();  // exceptions of the last 7 days that a missing set left minified, by id

const age = value => { const at = new Date(value).getTime(); return Number.isFinite(at) ? (Date.now() - at) / 86400000 : null; };
function verdict(set) {
  if (set.failure_reason) return ["missing", "bad", "Exceptions that need it stay minified."];
  if (set.has_uploaded_file === false) return ["unfinished", "bad", "The upload was begun and never finished."];
  const days = set.last_used ? age(set.last_used) : null;
  if (days !== null && days > KEPT_DAYS - SOON_DAYS) return ["expiring", "bad", `Not used for ${Math.floor(days)} days.`];
  return ["uploaded", "good", ""];
}
const RANK = {missing: 0, unfinished: 1, expiring: 2, uploaded: 3};
// The exceptions of an issue count for the sets that its newest event lacks: PostHog counts none for a set.
async function weigh() {
  const opener = $("weigh"), missing = sets.filter(set => verdict(set)[1] === "bad" && typeof set.ref === "string" && set.ref);
  const free = busy(opener);
  try {
    const range = {date_from: "-7d"}, counts = new Map(missing.map(set => [set.id, 0]));
    const issues = list((await read(ISSUES, {status: "all", orderBy: "occurrences", limit: 25, dateRange: range})).results).map(obj);
    for (const [at, issue] of issues.entries()) {
      say(`Reading the newest event of issue ${at + 1} of ${issues.length}…`);
      const [event] = list((await read(EVENTS, {issueId: issue.id, include: ["exception", "stacktrace"], onlyAppFrames: false,
        limit: 1, dateRange: range})).results);
      const frames = list(obj(obj(event).properties).$exception_list).flatMap(one => list(obj(obj(one).stacktrace).frames)).map(obj);
      for (const set of missing)
        if (frames.some(frame => frame.resolved === false && (frame.source === set.ref || String(frame.resolve_failure).includes(set.ref))))
          counts.set(set.id, counts.get(set.id) + (Number(obj(issue.aggregations).occurrences) || 0));
    }
    spoiled = counts;
    rendering(render);
    say(`Counted in the last 7 days, by the newest event of ${issues.length} issues.`, "good");
  } catch (error) { say(error.message, "bad"); } finally { free(); }
}
const lastUse = set => new Date(set.last_used || 0).getTime() || 0;
function releaseOf(set) {
  const release = obj(set.release);
  return plain(words(release.project, release.version) || release.id, 160) || "No release";
}
function reason(text) {
  try {
    const [[language, why]] = Object.entries(obj(JSON.parse(text)));
    const [name, about] = typeof why === "string" ? [why, ""] : Object.entries(obj(why))[0];
    return `${language}: ${name}${about ? `, ${about}` : ""}`;
  } catch { return text; }
}
async function remove(event, set) {
  const opener = event.currentTarget;
  const body = h("p", {}, "The file and the frames it failed to resolve are deleted for good: ", h("code", {}, theirs(set.ref, 300)));
  if (!await ask(opener, "Delete symbol set", body, "Delete", "danger")) return;
  if (await change(opener, DELETE, {id: set.id}, `Deleted ${plain(set.ref, 120)}.`)) await app.reload();
}
function row(set) {
  const [state, className, why] = verdict(set);
  return h("li", {class: "row"}, h("div", {class: "what"},
    h("div", {}, h("span", {class: "name"}, theirs(set.ref, 300)), " ", h("span", {class: `tag ${className}`}, state)),
    spoiled.has(set.id) && h("div", {class: "bad"}, `Leaves ${number(spoiled.get(set.id))} exceptions of 7 days minified.`),
    set.failure_reason ? h("div", {class: "bad"}, theirs(reason(set.failure_reason), 500)) : why && h("div", {class: "dim"}, why),
    h("div", {class: "dim"}, "created ", time(set.created_at), set.last_used ? " · last used " : " · never used", set.last_used && time(set.last_used))),
    offers(DELETE) && h("div", {class: "bar"}, button("Delete", event => remove(event, set), {class: "danger", "aria-label": `Delete ${plain(set.ref, 120)}`})));
}
function query(offset) {
  const given = new FormData($("filters")), text = given.get("search").trim(), {search, ...rest} = args;
  args = {...rest, status: given.get("status"), order_by: given.get("order_by"), offset};
  if (text) args.search = text;
  app.setArguments(args);
  app.reload();
}
function filters() {
  return h("form", {class: "bar", role: "search", id: "filters", onenter: () => query(0)},
    field("Search in ref, release or commit", h("input", {name: "search", type: "search", value: plain(args.search, 500)}), true),
    field("Status", select("status", args.status || "all", {all: "All", invalid: "Missing or failed", valid: "Uploaded"})),
    field("Order", select("order_by", args.order_by || "-created_at", {"-created_at": "Newest", "-last_used": "Last used", last_used: "Longest unused", ref: "Ref"})),
    button("Apply", () => query(0), {class: "main"}));
}
async function checkBuild() {
  const opener = $("check"), folder = new FormData(opener.form).get("folder").trim();
  if (!folder) return;
  const free = busy(opener);
  say("Checking the build…");
  try {
    const answer = await call(CHECK, {folder});
    say("");
    $("build").replaceChildren(h("h3", {}, "Build folder ", theirs(folder, 200)), h("pre", {class: answer.failed ? "bad" : ""}, answer.text));
  } catch (error) { say(error.message, "bad"); }
  free();
}
function render() {
  const groups = new Map(), counts = {}, weight = set => spoiled.get(set.id) || 0;
  const order = (a, b) => RANK[verdict(a)[0]] - RANK[verdict(b)[0]] || weight(b) - weight(a) || lastUse(b) - lastUse(a);
  for (const set of [...sets].sort(order)) {  // so that a release stands where its worst set does
    const name = releaseOf(set), state = verdict(set)[0];
    if (groups.has(name)) groups.get(name).push(set); else groups.set(name, [set]);
    counts[state] = (counts[state] || 0) + 1;
  }
  const offset = Number(args.offset) || 0, next = data.next_offset;
  $("out").replaceChildren(...(host.can.serverTools ? [filters()] : []),
    h("p", {}, sets.length ? Object.entries(counts).map(([state, count]) => `${number(count)} ${state}`).join(", ") + (isNumber(data.count) ? `, of ${number(data.count)} symbol sets in all` : "") : "No symbol set matches."),
    offers(EVENTS) && sets.some(set => verdict(set)[1] === "bad")
      ? button("Count the exceptions that each leaves minified", weigh, {id: "weigh"}) : "",
    paged([...groups], ([name, found]) => h("section", {}, h("h2", {}, h("bdi", {}, name)),
      paged(found, row, {label: `Symbol sets of ${name}`, noun: "symbol sets"})), {size: 20, tag: "div", noun: "releases"}),
    h("nav", {class: "bar", "aria-label": "Pages of the list"},
      offset > 0 && button("Previous page", () => query(Math.max(0, offset - (Number(args.limit) || 100)))),
      isNumber(next) && button("Next page", () => query(next))),
    offers(CHECK) ? h("form", {class: "bar", onenter: checkBuild}, field("Check a build folder", h("input", {name: "folder", placeholder: "dist", required: true}), true),
      button("Check", checkBuild, {id: "check"})) : "", h("section", {id: "build", "aria-label": "Check of a build folder"}));
}
const app = start({name: "symbol-sets", tool: LIST, show(result, given) {
  data = result;
  args = {...given};
  sets = list(data.results).map(obj).filter(set => typeof set.id === "string");
  render();
}});
