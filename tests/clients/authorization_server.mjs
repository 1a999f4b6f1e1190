// A certified authorization server (oidc-provider) on a free port, whose one user signs in and consents at once.
// node authorization_server.mjs MODULES (jwt|opaque): prints its address. POST /-/user?account=A&scopes=S sets the
// account that signs in next and the scopes that it consents to.
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const [modules, format] = process.argv.slice(2);
const { default: Provider } = await import(pathToFileURL(`${modules}/oidc-provider/lib/index.js`).href);

const SCOPES = ["errors:read", "errors:write"];
const CLIENT_ID = "https://agent.example/client.json"; // a client id metadata document
const CLIENT = {
    client_id: CLIENT_ID,
    client_name: "An agent",
    redirect_uris: ["http://127.0.0.1:1/callback"],
    application_type: "native",
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
};
const user = { account: "ada", scopes: SCOPES };

const server = createServer();
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
    clients: [{
        client_id: "mcp-server",
        client_secret: "the-secret-of-the-mcp-server",
        redirect_uris: [],
        response_types: [],
        grant_types: [],
    }],
    cookies: { keys: ["of this test"] },
    scopes: ["openid", "offline_access", ...SCOPES],
    clientBasedCORS: () => true,
    features: {
        devInteractions: { enabled: false },
        registration: { enabled: true },
        introspection: { enabled: true },
        revocation: { enabled: true },
        clientIdMetadataDocument: { enabled: true, ack: "draft-02" },
        resourceIndicators: {
            enabled: true,
            useGrantedResource: () => true,
            getResourceServerInfo: (_ctx, resource) => ({
                audience: resource,
                scope: SCOPES.join(" "),
                accessTokenFormat: format,
                accessTokenTTL: 600,
            }),
        },
    },
    findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    fetch: async (url) => {
        if (String(url) !== CLIENT_ID) throw new Error(`unexpected request for ${url}`);
        return new Response(JSON.stringify(CLIENT), { headers: { "Content-Type": "application/json" } });
    },
    ttl: { AccessToken: 600, Grant: 600, IdToken: 600, Interaction: 600, RefreshToken: 600, Session: 600 },
});

async function interact(request, response) {
    const { prompt, params, session } = await provider.interactionDetails(request, response);
    if (prompt.name === "login") {
        await provider.interactionFinished(request, response, { login: { accountId: user.account } });
        return;
    }
    const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    const asked = (params.scope ?? "").split(" ");
    const given = SCOPES.filter((scope) => asked.includes(scope) && user.scopes.includes(scope));
    const refused = SCOPES.filter((scope) => !given.includes(scope));
    grant.addOIDCScope(["openid", "offline_access", ...given].join(" "));
    grant.rejectOIDCScope(refused.join(" "));
    grant.addResourceScope(params.resource, given.join(" "));
    grant.rejectResourceScope(params.resource, refused.join(" "));
    await provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
}

const handle = provider.callback();
server.on("request", async (request, response) => {
    const url = new URL(request.url, issuer);
    if (url.pathname === "/-/user") {
        user.account = url.searchParams.get("account");
        user.scopes = url.searchParams.get("scopes").split(" ");
        response.end();
    } else if (url.pathname.startsWith("/interaction/")) {
        await interact(request, response).catch((error) => response.writeHead(500).end(String(error)));
    } else {
        handle(request, response);
    }
});
console.log(issuer);
