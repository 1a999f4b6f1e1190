import { checkout } from "../cart";

document.querySelector("#fail")!.addEventListener("click", () => {
  checkout([{ name: "tea", price: { amount: 3 } }, { name: "cup" }]);
});
