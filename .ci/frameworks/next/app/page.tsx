"use client";
import { checkout } from "./lib/cart";

export default function Page() {
  const pay = () => {
    checkout([{ name: "tea", price: { amount: 3 } }, { name: "cup" }]);
  };
  return (
    <button id="fail" onClick={pay}>
      Pay
    </button>
  );
}
