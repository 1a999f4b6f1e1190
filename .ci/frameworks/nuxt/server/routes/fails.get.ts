import { PostHog } from "posthog-node";
import { checkout } from "../../app/utils/cart";

export default defineEventHandler(async () => {
  const posthog = new PostHog("phc_frameworks", { host: process.env.CAPTURE, flushAt: 1 });
  try {
    checkout([{ name: "tea", price: { amount: 3 } }, { name: "cup" }]);
  } catch (error) {
    posthog.captureException(error, "someone");
  }
  await posthog.shutdown();
  return "failed";
});
