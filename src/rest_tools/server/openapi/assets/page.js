"use strict";

// All addresses are relative to the page: a proxy may have put the service below a path.
const service = new URL("..", location.href);

// The document as this page needs it.
function adapt(openapi) {
  if (service.pathname !== "/") {
    openapi.servers ??= [{ url: service.pathname.slice(0, -1) }];
  }
  const schemes = openapi.components?.securitySchemes ?? {};
  for (const [name, scheme] of Object.entries(schemes)) {
    if (scheme.type === "openIdConnect") {
      delete schemes[name]; // Swagger UI would ask the provider about itself; here tokens are pasted
    }
  }
  return openapi;
}

// A server with signed cookies asks for this one twice: as a cookie, and in a header, which no other site can set.
function withXsrfToken(request) {
  const cookie = document.cookie.match(/(?:^|; )_xsrf=([^;]*)/);
  if (cookie) {
    request.headers["X-XSRFToken"] = cookie[1];
  }
  return request;
}

const ui = SwaggerUIBundle({
  url: "../openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  defaultModelExpandDepth: 3, // of a body, all that is said about its arguments
  requestInterceptor: withXsrfToken,
  plugins: [
    { statePlugins: { spec: { wrapActions: { updateJsonSpec: (update) => (json) => update(adapt(json)) } } } },
  ],
  onComplete: () => {
    document.title = ui.specSelectors.info().get("title");
  },
});
