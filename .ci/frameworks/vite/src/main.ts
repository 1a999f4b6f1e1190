document.querySelector("#fail")!.addEventListener("click", async () => {
  const { checkout } = await import("./cart");
  checkout([{ name: "tea", price: { amount: 3 } }, { name: "cup" }]);
});
