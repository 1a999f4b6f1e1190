import { PostHog } from "posthog-node";
import { checkout } from "../cart";

async function start(): Promise<void> {
  if (process.versions.electron) {
    const { app, BrowserWindow } = await import("electron");
    await app.whenReady();
    await new BrowserWindow().loadFile("../renderer/index.html");
  }
  const posthog = new PostHog("phc_frameworks", { host: process.env.CAPTURE, flushAt: 1 });
  try {
    checkout([{ name: "tea", price: { amount: 3 } }, { name: "cup" }]);
  } catch (error) {
    posthog.captureException(error, "someone");
  }
  await posthog.shutdown();
}

void start();
