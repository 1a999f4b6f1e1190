// Open a page in Chromium with PostHog's SDK, as its snippet loads it, and press the button #fail until the SDK has sent
// the exception: `node browse.mjs MODULES CHROMIUM PAGE CAPTURE`. Prints what the page's console says.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [modules, chromium, page, capture] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const puppeteer = require("puppeteer-core");
const sdk = readFileSync(`${modules}/posthog-js/dist/array.full.no-external.js`, "utf8");
const options = {
  api_host: capture,
  capture_exceptions: true,
  advanced_disable_flags: true,
  disable_external_dependency_loading: true,
  disable_compression: true,
  disable_session_recording: true,
  autocapture: false,
  capture_pageview: false,
  request_batching: false,
  opt_out_useragent_filter: true, // headless browsers are ignored otherwise
};

const browser = await (puppeteer.default ?? puppeteer).launch({
  executablePath: chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
});
const tab = await browser.newPage();
tab.on("console", (message) => console.log(message.text()));
tab.on("pageerror", (error) => console.log("uncaught:", String(error?.stack ?? error)));
await tab.evaluateOnNewDocument(
  `if (self === top) { ${sdk}\n;window.posthog.init("phc_frameworks", ${JSON.stringify(options)}); }`,
);
const sent = () => fetch(`${capture}/_captured`).then((answer) => answer.text());
await tab.goto(page, { waitUntil: "networkidle0", timeout: 60000 });
await tab.waitForSelector("#fail", { timeout: 30000 });
for (let press = 0; press < 40 && (await sent()) === "0"; press++) {
  await tab.click("#fail"); // frameworks attach handlers when they hydrate
  await new Promise((resolve) => setTimeout(resolve, 250));
}
await browser.close();
