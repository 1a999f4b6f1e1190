// As PostHog's guide for Nuxt: Vue catches the errors of handlers.
export default defineNuxtPlugin((app) => {
  app.vueApp.config.errorHandler = (error) => (window as any).posthog.captureException(error);
});
