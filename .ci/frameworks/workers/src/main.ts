import { checkout } from "./cart";

export default {
  async fetch(request: Request, env: { CAPTURE: string }, context: any): Promise<Response> {
    if (new URL(request.url).pathname !== "/fails") return new Response("ready");
    const { PostHog } = await import("posthog-node");
    const posthog = new PostHog("phc_frameworks", { host: env.CAPTURE, flushAt: 1 });
    try {
      checkout([{ name: "tea", price: { amount: 3 } }, { name: "cup" }]);
    } catch (error) {
      posthog.captureException(error, "someone");
    }
    await posthog.shutdown();
    return new Response("failed");
  },
};
