import { checkout } from "../cart";

export default function Home() {
  const pay = () => {
    checkout([{ name: "tea", price: { amount: 3 } }, { name: "cup" }]);
  };
  return (
    <button id="fail" onClick={pay}>
      Pay
    </button>
  );
}
