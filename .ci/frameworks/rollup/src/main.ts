// @ts-nocheck: no types of Node
import { PostHog } from "posthog-node";
import { checkout } from "./cart";

const posthog = new PostHog("phc_frameworks", { host: process.env.CAPTURE, flushAt: 1 });
try {
  checkout([{ name: "tea", price: { amount: 3 } }, { name: "cup" }]);
} catch (error) {
  posthog.captureException(error, "someone");
}
await posthog.shutdown();
