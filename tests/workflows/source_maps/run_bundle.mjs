// Runs a bundle and says what it does: `node run_bundle.mjs BUNDLE`, calls on stdin as JSON: [[name, arguments], ...].
// Prints for each call its answer, or its error's name, message and stack; and what the bundle recorded for the SDK.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const bundle = process.argv[2];
const loaded = await import(pathToFileURL(bundle));
if (Array.isArray(loaded.default)) globalThis.shop = modulesOf(loaded.default);

const outcomes = [];
for (const [name, args] of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    outcomes.push({ answer: await globalThis.shop[name](...args) });
  } catch (error) {
    outcomes.push({ name: error.name, message: error.message, stack: error.stack });
  }
}
const chunks = Object.entries(globalThis._posthogChunkIds ?? {});
console.log(JSON.stringify({ outcomes, chunks, release: globalThis._posthogReleaseId ?? null }));

// Turbopack's chunk is a list of ids and functions, called with its runtime; this is as much of one as ours need.
function modulesOf(list) {
  const found = {};
  const load = (id) => {
    const module = { exports: {} };
    list[list.indexOf(id) + 1]({ r: load }, module, module.exports);
    return module.exports;
  };
  for (const id of list.filter((item) => typeof item === "number").slice(0, 2)) Object.assign(found, load(id));
  return found;
}
