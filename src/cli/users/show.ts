// `user show`: one account, what protects it, who may be in it, and what stands in its way.
import { createAccountLookup } from '../../core/accounts/account-lookup.ts';
import { listLiveSessions } from '../../core/sessions/session-table.ts';
import { listBlocks } from '../../core/throttle/listed-blocks.ts';
import { withPool } from '../connect.ts';
import type { AsJson } from '../terminal/list.ts';
import { say, sayJson } from '../terminal/output.ts';
import { printable } from '../terminal/print.ts';
import { noAccount } from './find.ts';

const MOST_BLOCKS = 1_000;

export async function show(who: string, { json }: AsJson): Promise<void> {
  await withPool(async (pool) => {
    const { findNamed, belongings, passwordState } = createAccountLookup({ pool });
    const user = await findNamed(who);
    if (!user) throw noAccount(who);
    const has = await belongings(user.id);
    const password = await passwordState(user);
    const sessions = await listLiveSessions(pool, user.id);
    const blocks = (await listBlocks(pool, MOST_BLOCKS, user.id)).filter(({ active }) => active);
    const shown = {
      email: user.email,
      id: user.id,
      role: user.role,
      state: user.disabledAt ? 'disabled' : 'active',
      disabledAt: user.disabledAt,
      createdAt: user.createdAt,
      firstLoginAt: user.firstLoginAt,
      lastLoginAt: user.lastLoginAt,
      password: password.kind === 'imported' ? `imported (${password.scheme})` : password.kind,
      passwordChangedAt: password.kind === 'own' ? user.passwordChangedAt : null,
      language: user.language,
      externalId: user.externalId,
      ...has,
      sessions: sessions.length,
      lastSeenAt: sessions[0]?.lastSeenAt ?? null,
      blocks: blocks.length,
    };
    if (json) return sayJson(shown);
    for (const [name, value] of Object.entries(shown)) say(`${HEADINGS[name]?.padEnd(20)}${textOf(value)}`.trimEnd());
  });
}

const HEADINGS: Readonly<Record<string, string>> = {
  email: 'e-mail address',
  id: 'id',
  role: 'role',
  state: 'state',
  disabledAt: 'disabled since',
  createdAt: 'created',
  firstLoginAt: 'first log-in',
  lastLoginAt: 'last log-in',
  password: 'password',
  passwordChangedAt: 'password set',
  language: 'language',
  externalId: 'imported as',
  authenticatorApp: 'authenticator app',
  passkeys: 'passkeys',
  recoveryCodes: 'recovery codes left',
  knownBrowsers: 'known browsers',
  sessions: 'live sessions',
  lastSeenAt: 'last seen',
  blocks: 'active blocks',
};

function textOf(value: string | number | boolean | Date | null): string {
  if (value === null) return '-';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return value instanceof Date ? value.toISOString() : printable(String(value));
}
