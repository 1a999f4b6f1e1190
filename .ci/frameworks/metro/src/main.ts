import { checkout } from "./cart";

declare function print(text: string): void;

function pay(): void {
  checkout([{ name: "tea", price: { amount: 3 } }, { name: "cup" }]);
}

try {
  pay();
} catch (error) {
  const { name, message, stack } = error as Error;
  print(JSON.stringify({ name, message, stack, ids: (globalThis as any)._posthogChunkIds ?? null }));
}
