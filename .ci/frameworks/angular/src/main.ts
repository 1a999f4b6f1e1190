import { Component, ErrorHandler } from "@angular/core";
import { bootstrapApplication } from "@angular/platform-browser";
import { provideRouter, RouterOutlet } from "@angular/router";

// As PostHog's guide for Angular: Angular catches the errors of handlers.
class PostHogErrorHandler implements ErrorHandler {
  handleError(error: unknown): void {
    (window as any).posthog.captureException(error);
  }
}

@Component({ selector: "shop-root", imports: [RouterOutlet], template: "<router-outlet />" })
class Root {}

bootstrapApplication(Root, {
  providers: [
    { provide: ErrorHandler, useClass: PostHogErrorHandler },
    provideRouter([{ path: "", loadComponent: () => import("./app/payment").then((module) => module.Payment) }]),
  ],
});
