// What an independent decoder makes of source maps: `node trace.mjs MODULES`, texts of maps on stdin as a JSON list.
// Prints for each map a list of [line, column, source, original line, original column, name], lines from 1, for every
// mapping and for the column behind it. A source is null where there is none.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(`${process.argv[2]}/`);
const { FlattenMap, decodedMappings, traceSegment } = require("@jridgewell/trace-mapping");

const traced = JSON.parse(readFileSync(0, "utf8")).map((text) => {
  const map = new FlattenMap(text);
  return decodedMappings(map).flatMap((line, index) =>
    line.flatMap(([start]) =>
      [start, start + 1].map((column) => {
        const [, source, originalLine, originalColumn, name] = traceSegment(map, index, column);
        if (source === undefined) return [index + 1, column, null, null, null, null];
        return [index + 1, column, map.sources[source], originalLine + 1, originalColumn, map.names[name] ?? null];
      }),
    ),
  );
});
console.log(JSON.stringify(traced));
