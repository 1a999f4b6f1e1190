import { PostHog } from "posthog-node";
import { checkout } from "../lib/cart";

export const dynamic = "force-dynamic";

export async function GET() {
  const posthog = new PostHog("phc_frameworks", { host: process.env.CAPTURE, flushAt: 1 });
  try {
    checkout([{ name: "tea", price: { amount: 3 } }, { name: "cup" }]);
  } catch (error) {
    posthog.captureException(error, "someone");
  }
  await posthog.shutdown();
  return new Response("failed");
}
