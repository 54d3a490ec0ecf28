// What an operator looked for, encrypted in a cookie of their browser for a quarter of an hour: the page
// that offers several meanings can be opened again, and nothing personal stands in an address.
import type Koa from 'koa';
import type { Context } from '../../../core/context.ts';
import type { Purpose } from '../../../core/credentials/secret-box.ts';
import { createCookie } from '../../http/cookies.ts';
import { memberOf } from '../../session/member.ts';

const LIFE_MS = 15 * 60_000;
const MOST_CHARACTERS = 2_000;

const cookie = createCookie('find', {
  accepts: (value) => value.length <= MOST_CHARACTERS && /^[\w-]+$/.test(value),
  lifeMs: () => LIFE_MS,
});

type Needed = Pick<Context, 'secretBox' | 'config' | 'database'>;

interface Kept {
  readonly typed: string;
  readonly until: number;
}

const purpose = (userId: string): Purpose => ({ purpose: 'search', owner: userId });

export function keepSearch(ctx: Koa.Context, { secretBox, config, database }: Needed, typed: string): void {
  const kept: Kept = { typed, until: database.clock.now().getTime() + LIFE_MS };
  const encrypted = secretBox.encrypt(JSON.stringify(kept), purpose(memberOf(ctx).userId));
  cookie.keep(ctx, config, encrypted.toString('base64url'));
}

/** Empty without one, of somebody else, or of more than a quarter of an hour ago. */
export function keptSearch(ctx: Koa.Context, { secretBox, config, database }: Needed): string {
  const value = cookie.read(ctx, config);
  const opened =
    value === '' ? null : secretBox.decrypt(Buffer.from(value, 'base64url'), purpose(memberOf(ctx).userId));
  const kept = opened && (JSON.parse(opened.text) as Kept);
  return kept && kept.until > database.clock.now().getTime() ? kept.typed : '';
}

export function dropSearch(ctx: Koa.Context, { config }: Pick<Needed, 'config'>): void {
  cookie.drop(ctx, config);
}
