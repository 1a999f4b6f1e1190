import { Component } from "@angular/core";
import { checkout } from "./cart";

@Component({ selector: "shop-payment", template: `<button id="fail" (click)="pay()">Pay</button>` })
export class Payment {
  pay(): void {
    checkout([{ name: "tea", price: { amount: 3 } }, { name: "cup" }]);
  }
}
