// What PostHog's SDK sends of an error: `node capture.mjs MODULES BUNDLE`, with the bundle's shop.checkout([]) throwing it.
// Prints the exception event's properties as JSON. The server at the other end is one of this process.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";

const [modules, bundle] = process.argv.slice(2);
const { PostHog } = createRequire(`${modules}/`)("posthog-node");

const events = [];
const server = createServer(async (request, response) => {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  const body = Buffer.concat(pieces);
  const text = request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
  events.push(...(JSON.parse(text.toString() || "{}").batch ?? []));
  response.end('{"status":1}');
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));

await import(pathToFileURL(bundle));
const posthog = new PostHog("phc_test", { host: `http://127.0.0.1:${server.address().port}`, flushAt: 1 });
try {
  await globalThis.shop.checkout([]);
} catch (error) {
  posthog.captureException(error, "someone");
}
await posthog.shutdown();
server.close();
console.log(JSON.stringify(events.find((event) => event.event === "$exception").properties));
