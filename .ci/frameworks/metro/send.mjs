// Run the bytecode in Hermes, and send its error as posthog-react-native does, which itself needs a phone: with its parts
// that read stacks, from @posthog/core.
import { execFileSync } from "node:child_process";
import { ErrorTracking } from "@posthog/core";

const hermes = "node_modules/hermes-engine-cli/linux64-bin/hermes";
const thrown = JSON.parse(execFileSync(hermes, ["-b", "out/main.jsbundle"], { encoding: "utf8" }));
globalThis._posthogChunkIds = thrown.ids;
const { chromeStackLineParser, createStackParser, ErrorCoercer, ErrorPropertiesBuilder, geckoStackLineParser } =
  ErrorTracking;
const parser = createStackParser("hermes", chromeStackLineParser, geckoStackLineParser);
const error = Object.assign(new RangeError(thrown.message), { stack: thrown.stack });
const properties = new ErrorPropertiesBuilder([new ErrorCoercer()], parser).buildFromUnknown(error, {});
const event = { event: "$exception", properties: { ...properties, $lib: "posthog-react-native", $lib_version: "4.78.0" } };
await fetch(`${process.env.CAPTURE}/batch/`, { method: "POST", body: JSON.stringify({ batch: [event] }) });
