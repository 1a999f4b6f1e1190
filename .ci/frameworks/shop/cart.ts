export interface Item {
  name: string;
  price?: { amount: number };
}

export function checkout(items: Item[]): string {
  const due = total(items);
  return `Due: ${due}`;
}

function total(items: Item[]): number {
  let sum = 0;
  for (const item of items) {
    if (!item.price) {
      throw new RangeError(`${item.name} has no price`);
    }
    sum += item.price.amount;
  }
  return sum;
}
