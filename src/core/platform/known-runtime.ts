// Tells libraries which runtime this is, as Node.js does from version 21 on. Without it the driver of PostgreSQL asks `Response`
// whether it is Cloudflare's, for which Node.js loads all of `fetch` and HTTP/2 at the start. To be imported before anything else.
const userAgent = `Node.js/${process.versions.node.split('.', 1)[0]}`;
if (!('navigator' in globalThis)) Object.assign(globalThis, { navigator: { userAgent } });
