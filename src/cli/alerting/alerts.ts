// `alerts list` and `alerts test`.
import { withContext, withPool } from '../connect.ts';
import { callerFor, type Why } from '../terminal/caller.ts';
import { UsageError } from '../terminal/errors.ts';
import { type AsJson, printList } from '../terminal/list.ts';
import { say } from '../terminal/output.ts';

const COLUMNS = {
  name: 'alert',
  state: 'state',
  operators: 'operators',
  addresses: 'addresses',
  webhook: 'webhook',
  newest: 'newest',
  count: 'times',
};

export async function listAlerts({ json }: AsJson): Promise<void> {
  const { createAlertList } = await import('../../core/alerting/alert-list.ts');
  await withPool(async (pool) => {
    // Whether mail can be sent, only the worker knows.
    const { rules, webhook: hook } = await createAlertList({ database: { pool }, mail: { possible: false } })();
    const rows = rules.map(({ name, enabled, operators, addresses, webhook, newest, troubleSince }) => ({
      name,
      state: enabled ? (troubleSince ? 'goes on' : 'on') : 'off',
      operators,
      addresses: addresses.join(' '),
      webhook: webhook && hook.target !== null,
      newest: newest?.at.toISOString() ?? null,
      count: newest?.count ?? 0,
    }));
    printList<(typeof rows)[number]>(COLUMNS, { json })(rows);
  });
}

/** Recorded at once; the worker sends it. */
export async function testAlert(name: string, why: Why): Promise<void> {
  const { isRule } = await import('../../core/alerting/settings.ts');
  if (!isRule(name)) throw new UsageError('There is no such alert; "alerts list" prints them.');
  const caller = await callerFor(why);
  await withContext(({ alertSettings }) => alertSettings.test(name, caller));
  say('The worker sends the test within seconds.');
}
