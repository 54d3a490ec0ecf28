// What an application is told of somebody, signed (JWT with EdDSA): one that verifies it need not trust the proxy's configuration.
// One is good for a minute and is made anew after half of it.
import { sign } from 'node:crypto';
import QuickLRU from 'quick-lru';
import type { Application } from '../applications/application.ts';
import type { DatabaseClock } from '../platform/postgres/database-clock.ts';
import type { AuthenticationMethod } from '../sessions/authentication-method.ts';
import type { AssertionKeys, KeyRing } from './assertion-keys.ts';
import type { Visitor } from './visitors.ts';

const LIFE_SECONDS = 60;
const KEPT_MS = 30_000;
const KEPT = 10_000;

/** In the words of RFC 8176. */
const METHODS: Readonly<Record<AuthenticationMethod, readonly string[]>> = {
  password: ['pwd'],
  'password+totp': ['pwd', 'otp', 'mfa'],
  'password+recovery_code': ['pwd', 'otp', 'mfa'],
  'password+passkey': ['pwd', 'hwk', 'mfa'],
  passkey: ['hwk', 'user', 'mfa'],
};

export interface AssertionsOptions {
  readonly keys: AssertionKeys;
  readonly clock: DatabaseClock;
  /** Our own origin. */
  readonly issuer: string;
}

interface Kept {
  readonly at: number;
  readonly kid: string;
  readonly groups: readonly string[];
  readonly token: string;
}

export function createAssertions({ keys, clock, issuer }: AssertionsOptions) {
  const kept = new QuickLRU<string, Kept>({ maxSize: KEPT });

  function write({ owner, groups }: Visitor, { slug }: Pick<Application, 'slug'>, { current }: KeyRing): string {
    const issuedAt = Math.floor(Number(clock.now()) / 1_000);
    const header = { typ: 'holdfast-assertion+jwt', alg: 'EdDSA', kid: current.kid };
    const claims = {
      iss: issuer,
      aud: slug,
      sub: owner.userId,
      sid: owner.id,
      email: owner.email,
      groups,
      amr: METHODS[owner.authenticationMethod],
      auth_time: Math.floor(owner.application.provedAt / 1_000),
      iat: issuedAt,
      exp: issuedAt + LIFE_SECONDS,
    };
    const text = `${encoded(header)}.${encoded(claims)}`;
    return `${text}.${sign(null, Buffer.from(text), current.key).toString('base64url')}`;
  }

  function signed(visitor: Visitor, application: Pick<Application, 'slug'>, ring: KeyRing): string {
    const { owner, groups } = visitor;
    const [before, { kid }, now] = [kept.get(owner.id), ring.current, performance.now()];
    if (before?.kid === kid && now - before.at < KEPT_MS && isSame(before.groups, groups)) return before.token;
    const token = write(visitor, application, ring);
    kept.set(owner.id, { at: now, kid, groups, token });
    return token;
  }

  /** At once, unless the keys must be read. */
  return (visitor: Visitor, application: Pick<Application, 'slug'>): string | Promise<string> => {
    const ring = keys();
    return ring instanceof Promise
      ? ring.then((read) => signed(visitor, application, read))
      : signed(visitor, application, ring);
  };
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some === others || (some.length === others.length && some.every((one, index) => one === others[index]));
}

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
