// The keys that sign assertions, in PostgreSQL: one that signs, one that is published before it does, and those before it, so that
// what they signed is still verified. Web processes make them, because they alone can encrypt the private part; the worker moves
// them on. Each change raises the version of the registry, by which every process reads them again.
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { type Actor, NO_ORIGIN } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import type { SecretBox } from '../credentials/secret-box.ts';
import { raiseApplicationVersionWithin } from '../groups/application-version.ts';
import { type Database, isDatabaseOutage, type Transaction } from '../platform/database.ts';
import type { Patience } from '../platform/postgres/patience.ts';
import type { RegistryVersion } from '../sessions/registry-version.ts';
import { FIRST_READ_MS } from './known-applications.ts';

type State = 'next' | 'current' | 'retired';

/** A public key as JSON (RFC 7517, RFC 8037). */
export type PublicKey = Readonly<Record<string, string>>;

export interface KeyRing {
  readonly version: number;
  readonly current: { readonly kid: string; readonly key: KeyObject };
  /** All that a verifier may meet, also those that sign soon. */
  readonly published: readonly PublicKey[];
}

export interface AssertionKeysOptions {
  readonly database: Database;
  readonly secretBox: Pick<SecretBox, 'encrypt' | 'decrypt'>;
  readonly registryVersion: Pick<RegistryVersion, 'newest' | 'note'>;
  readonly patience: Patience;
}

export type AssertionKeys = ReturnType<typeof createAssertionKeys>;

export function createAssertionKeys({ database, secretBox, registryVersion, patience }: AssertionKeysOptions) {
  const { prisma, transact } = database;
  let ring: KeyRing | null = null;
  let reading: Promise<KeyRing> | null = null;

  async function read(client: Transaction, version: number): Promise<KeyRing | null> {
    const rows = await client.assertionKey.findMany({ orderBy: { createdAt: 'desc' } });
    const current = rows.find(({ state }) => state === 'current');
    const text = current && secretBox.decrypt(current.privateEncrypted, boundTo(current.kid))?.text;
    if (!current || !text || !rows.some(({ state }) => state === 'next')) return null;
    const key = createPrivateKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'pkcs8' });
    const published = rows.map(({ publicJwk }) => publicJwk as PublicKey);
    return { version, current: { kid: current.kid, key }, published };
  }

  /** What is missing is made: at the first start, and after each move. A key that can't be decrypted signs no more. */
  function complete(): Promise<KeyRing> {
    return transact(async (transaction) => {
      const version = Number(await raiseApplicationVersionWithin(transaction));
      const rows = await transaction.assertionKey.findMany();
      for (const { kid, state, privateEncrypted } of rows) {
        if (state !== 'retired' && !secretBox.decrypt(privateEncrypted, boundTo(kid))) await retire(transaction, kid);
      }
      for (const state of ['current', 'next'] as const) {
        const found = await transaction.assertionKey.findFirst({ where: { state } });
        if (!found) await make(transaction, state);
      }
      const made = await read(transaction, version);
      if (!made) throw new Error('the keys that were just made are not there');
      return made;
    });
  }

  async function make(transaction: Transaction, state: 'current' | 'next'): Promise<void> {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const kid = uuidv7();
    const text = privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64');
    const publicJwk = { ...(publicKey.export({ format: 'jwk' }) as Record<string, string>), ...NAMED, kid };
    const privateEncrypted = new Uint8Array(secretBox.encrypt(text, boundTo(kid)));
    const since = state === 'current' ? { currentSince: database.clock.now() } : {};
    await transaction.assertionKey.create({ data: { kid, state, publicJwk, privateEncrypted, ...since } });
    await recordKey(transaction, kid, state);
  }

  async function readOrComplete(): Promise<KeyRing> {
    const asked = registryVersion.newest();
    ring = (await read(prisma, asked)) ?? (await complete());
    registryVersion.note(ring.version);
    return ring;
  }

  function readOnce(): Promise<KeyRing> {
    reading ??= readOrComplete().finally(() => {
      reading = null;
    });
    return reading;
  }

  async function readSoon(): Promise<KeyRing> {
    return patience(readOnce, ring ? undefined : FIRST_READ_MS).catch((error: unknown) => {
      if (ring && isDatabaseOutage(error)) return ring;
      throw error;
    });
  }

  /**
   * Those of the newest version that this process has heard of; at once, unless that is news.
   * @throws where PostgreSQL is away and has said nothing yet.
   */
  return (): KeyRing | Promise<KeyRing> => (ring?.version === registryVersion.newest() ? ring : readSoon());
}

const NAMED = { alg: 'EdDSA', use: 'sig' } as const;

function boundTo(kid: string) {
  return { purpose: 'assertion key', owner: kid };
}

async function retire(transaction: Transaction, kid: string): Promise<void> {
  await transaction.$executeRaw`
    UPDATE assertion_key SET state = 'retired', retired_at = clock_timestamp() WHERE kid = ${kid}`;
  await recordKey(transaction, kid, 'retired');
}

/** Without `by` it happened by itself. */
export async function recordKey(
  transaction: Transaction,
  kid: string,
  state: State | 'deleted' | 'revoked',
  { actor, origin, reason }: Actor = { actor: null, origin: NO_ORIGIN },
): Promise<void> {
  const detail = { key: kid, state, ...(reason && { reason }) };
  await recordEvent(transaction, {
    type: 'sys_assertion_key',
    outcome: 'success',
    actor,
    subject: null,
    origin,
    detail,
  });
}

/** How long a key signs, is published before that, and is kept afterwards. */
export interface KeyLives {
  readonly signsMs: number;
  readonly publishedBeforeMs: number;
  readonly keptMs: number;
}

/** The worker's part: retires the key that has signed long enough and deletes what nobody can still hold anything of. */
export function createKeyRotation({ transact }: Database, { signsMs, publishedBeforeMs, keptMs }: KeyLives) {
  return (): Promise<boolean> =>
    transact<boolean>(async (transaction, rollback) => {
      await raiseApplicationVersionWithin(transaction);
      const [due] = await transaction.$queryRaw<{ current: string; next: string }[]>`
        SELECT c.kid AS current, n.kid AS next FROM assertion_key AS c JOIN assertion_key AS n ON n.state = 'next'
         WHERE c.state = 'current' AND c.current_since < clock_timestamp() - ${signsMs} * interval '1 millisecond'
           AND n.created_at < clock_timestamp() - ${publishedBeforeMs} * interval '1 millisecond'`;
      if (due) await move(transaction, due);
      const deleted = await transaction.$queryRaw<{ kid: string }[]>`
        DELETE FROM assertion_key
         WHERE state = 'retired' AND retired_at < clock_timestamp() - ${keptMs} * interval '1 millisecond' RETURNING kid`;
      for (const { kid } of deleted) await recordKey(transaction, kid, 'deleted');
      return due || deleted.length > 0 ? true : rollback(false);
    });
}

async function move(transaction: Transaction, { current, next }: { current: string; next: string }): Promise<void> {
  await retire(transaction, current);
  await promote(transaction, next);
}

/** The key that is published signs from now on. */
export async function promote(transaction: Transaction, next: string): Promise<void> {
  await transaction.$executeRaw`
    UPDATE assertion_key SET state = 'current', current_since = clock_timestamp() WHERE kid = ${next}`;
  await recordKey(transaction, next, 'current');
}
