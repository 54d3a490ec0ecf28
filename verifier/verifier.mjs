// Says who a request behind Holdfast is from, by the signed assertion that comes with it. An application that asks
// this, and no header, need not trust what stands between Holdfast and itself. One file, no dependency.
import { createPublicKey, verify } from 'node:crypto';

const KEPT_MS = 300_000;
const ASK_AGAIN_MS = 30_000;
const TIMEOUT_MS = 2_000;
const LEEWAY_SECONDS = 30;

/**
 * Makes a function that takes a request, Node's or the Fetch API's, and resolves to the person it is from; to null where nobody
 * is logged in or the assertion is not a good one of Holdfast's for this application. Rejects while no key was ever had.
 *
 * @type {typeof import('./verifier.d.mts').createVerifier}
 */
export function createVerifier({ issuer, application, now = Date.now }) {
  const keyOf = createKeys(new URL('/.well-known/holdfast-keys.json', issuer), now);
  const origin = new URL(issuer).origin;
  return async ({ headers }) => {
    const sent = typeof headers.get === 'function' ? headers.get('HoldfastAssertion') : headers.holdfastassertion;
    const parts = typeof sent === 'string' ? sent.split('.') : [];
    if (parts.length !== 3) return null;
    const [head, claims] = parts.slice(0, 2).map(decode);
    if (head?.alg !== 'EdDSA' || head.typ !== 'holdfast-assertion+jwt' || head.crit !== undefined) return null;
    const key = typeof head.kid === 'string' ? await keyOf(head.kid) : undefined;
    const signed = Buffer.from(`${parts[0]}.${parts[1]}`);
    if (!key || !verify(null, signed, key, Buffer.from(parts[2], 'base64url'))) return null;
    const seconds = now() / 1_000;
    const inTime = seconds < claims?.exp + LEEWAY_SECONDS && seconds > claims.iat - LEEWAY_SECONDS;
    if (claims?.iss !== origin || claims.aud !== application || !inTime) return null;
    return {
      id: claims.sub,
      email: claims.email,
      groups: claims.groups,
      session: claims.sid,
      methods: claims.amr,
      authenticatedAt: new Date(claims.auth_time * 1_000),
    };
  };
}

/** The keys that Holdfast publishes, kept for five minutes; if it is away, the last ones that were had. */
function createKeys(url, now) {
  let keys = new Map();
  let readAt = Number.NEGATIVE_INFINITY;
  let askedAt = Number.NEGATIVE_INFINITY;
  let asking = null;

  async function ask() {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'error' });
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    const published = (await response.json()).keys.filter((key) => key.kty === 'OKP' && key.crv === 'Ed25519');
    keys = new Map(published.map((key) => [key.kid, createPublicKey({ key, format: 'jwk' })]));
    readAt = now();
  }

  /** Once in thirty seconds, and one request for all who wait. */
  async function askIfDue() {
    if (!asking && now() - askedAt < ASK_AGAIN_MS) return;
    if (!asking) {
      askedAt = now();
      asking = ask().finally(() => {
        asking = null;
      });
    }
    await asking;
  }

  return async (kid) => {
    const first = readAt === Number.NEGATIVE_INFINITY;
    if (first) askedAt = Number.NEGATIVE_INFINITY;
    if (first || !keys.has(kid) || now() - readAt >= KEPT_MS) {
      await askIfDue().catch((error) => {
        if (first) throw new Error('Holdfast’s keys can’t be had', { cause: error });
      });
    }
    return keys.get(kid);
  };
}

function decode(part) {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString());
  } catch {
    return null;
  }
}
