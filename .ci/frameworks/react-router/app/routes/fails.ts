import { PostHog } from "posthog-node";
import { checkout } from "../cart";

export async function loader() {
  const posthog = new PostHog("phc_frameworks", { host: process.env.CAPTURE, flushAt: 1 });
  try {
    checkout([{ name: "tea", price: { amount: 3 } }, { name: "cup" }]);
  } catch (error) {
    posthog.captureException(error, "someone");
  }
  await posthog.shutdown();
  return new Response("failed");
}
