interface Item {
  name: string;
  price: number;
  quantity: number;
}

interface Cart {
  items: Item[];
  coupon?: { code: string; percent: number };
}

export function total(cart: Cart): number {
  const sum = cart.items.reduce((amount, item) => amount + item.price * item.quantity, 0);
  return sum - discount(cart, sum);
}

function discount(cart: Cart, sum: number): number {
  // Fails where a cart has no coupon: the frame that a source map makes readable.
  return (sum * cart.coupon!.percent) / 100;
}

document.querySelector("#pay")?.addEventListener("click", () => {
  const cart: Cart = JSON.parse(localStorage.getItem("cart") ?? '{"items": []}');
  document.querySelector("#total")!.textContent = total(cart).toFixed(2);
});
