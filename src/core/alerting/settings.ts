// Whether a rule is told and to whom, as operators set it. What is set is recorded, and told as an alert of its own.
import type { Actor } from '../audit/events.ts';
import { recordEvent } from '../audit/outbox.ts';
import { ALERT_RULES, type AlertRule } from '../mail/alerts.ts';
import type { Database, Transaction } from '../platform/database.ts';
import { readEmail } from '../platform/email-address.ts';

export interface RuleSettings {
  readonly enabled: boolean;
  /** Mail to every operator who may log in. */
  readonly operators: boolean;
  /** Mail to these too. */
  readonly addresses: readonly string[];
  readonly webhook: boolean;
}

export interface StoredRule extends RuleSettings {
  readonly name: AlertRule;
  /** Moves with each change; 0 before the first. */
  readonly version: number;
}

export const DEFAULTS: RuleSettings = { enabled: true, operators: true, addresses: [], webhook: true };

/** Whoever turns the others off can't do so unseen. */
const ALWAYS: AlertRule = 'alerts_changed';
const MOST_ADDRESSES = 10;

export type RuleChange =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: 'always_told' | 'changed_meanwhile' | 'unchanged' | 'too_many' }
  | { readonly ok: false; readonly reason: 'no_address'; readonly address: string };

export const isRule = (name: string): name is AlertRule => (ALERT_RULES as readonly string[]).includes(name);

export const isAlwaysTold = (rule: AlertRule): boolean => rule === ALWAYS;

export async function readRule(transaction: Transaction, name: AlertRule): Promise<StoredRule> {
  const found = await transaction.alertRule.findUnique({ where: { name } });
  return found ? { ...found, name } : { ...DEFAULTS, name, version: 0 };
}

export function createAlertSettings({ database: { transact } }: { database: Pick<Database, 'transact'> }) {
  return {
    /** All of a rule at once. `by.seen`, where it is given, must be its version. */
    change(rule: AlertRule, wanted: RuleSettings, { reason, seen, ...by }: Actor): Promise<RuleChange> {
      const addresses = [...new Set(wanted.addresses)];
      const wrong = addresses.find((address) => readEmail(address) === null);
      if (wrong !== undefined) return Promise.resolve({ ok: false, reason: 'no_address', address: wrong });
      if (addresses.length > MOST_ADDRESSES) return Promise.resolve({ ok: false, reason: 'too_many' });
      const data = { ...wanted, addresses };
      if (isAlwaysTold(rule) && !(data.enabled && data.operators))
        return Promise.resolve({ ok: false, reason: 'always_told' });
      return transact<RuleChange>(async (transaction) => {
        const before = await readRule(transaction, rule);
        if (seen !== undefined && seen !== before.version) return { ok: false, reason: 'changed_meanwhile' };
        if (isSame(before, data)) return { ok: false, reason: 'unchanged' };
        const { enabled, operators, webhook } = data;
        const written = await transaction.$executeRaw`
          INSERT INTO alert_rule (name, enabled, operators, addresses, webhook)
          VALUES (${rule}, ${enabled}, ${operators}, ${addresses}, ${webhook})
          ON CONFLICT (name) DO UPDATE SET (enabled, operators, addresses, webhook, version)
            = (${enabled}, ${operators}, ${addresses}, ${webhook}, alert_rule.version + 1)
            WHERE alert_rule.version = ${before.version}`;
        if (written === 0) return { ok: false, reason: 'changed_meanwhile' };
        const detail = { rule, before: inWords(before), after: inWords(data), ...(reason ? { reason } : {}) };
        const event = { type: 'sys_alert_changed', outcome: 'success', ...by, subject: null, detail } as const;
        await recordEvent(transaction, event);
        return { ok: true };
      });
    },

    /** The worker sends the test once it has sealed the event: it goes the way that alerts go. */
    async test(rule: AlertRule, { reason, seen: _, ...by }: Actor): Promise<void> {
      const detail = { rule, ...(reason ? { reason } : {}) };
      await transact((transaction) =>
        recordEvent(transaction, { type: 'sys_alert_tested', outcome: 'success', ...by, subject: null, detail }),
      );
    },
  };
}

/** For the log, which keeps no address. */
function inWords({ enabled, operators, addresses, webhook }: RuleSettings): string {
  if (!enabled) return 'not told';
  const to = [operators ? 'operators' : '', `${addresses.length} addresses`, webhook ? 'webhook' : ''];
  return `told to ${to.filter((one) => one !== '' && one !== '0 addresses').join(', ') || 'nobody'}`;
}

function isSame(one: RuleSettings, other: RuleSettings): boolean {
  const all = ({ enabled, operators, addresses, webhook }: RuleSettings) =>
    JSON.stringify([enabled, operators, [...addresses].sort(), webhook]);
  return all(one) === all(other);
}
