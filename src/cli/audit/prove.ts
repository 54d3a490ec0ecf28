// `audit prove`: one event, and what proves it, as a file. The log has who made it and why.
import { proveEvent } from '../../core/audit/verification/proofs/event-proof.ts';
import { withContext } from '../connect.ts';
import { callerFor, type Why } from '../terminal/caller.ts';
import { withNewFile } from '../terminal/new-file.ts';

interface Options extends Why {
  readonly output?: string;
  readonly bare: boolean;
}

export async function prove(seq: number, { output, bare, ...why }: Options): Promise<void> {
  const { actor, origin } = await callerFor(why);
  await withContext(async ({ database: { pool }, auditLog, record }) => {
    const newest = (await auditLog.head()).seq;
    if (seq > newest) throw new Error(`There is no event ${inWords(seq)}: the newest is ${inWords(newest)}.`);
    const proved = await proveEvent({ pool, auditLog }, seq, { bare });
    if (!proved.ok) throw new Error(`Event ${seq} can't be proved: ${proved.why}.`);
    const detail = { format: 'proof', filter: JSON.stringify({ seq }), events: 1 };
    const recorded = () => record({ type: 'audit_export', outcome: 'success', actor, subject: null, origin, detail });
    if (output === undefined) {
      await recorded();
      process.stdout.write(proved.text);
    } else {
      await withNewFile(output, async (file) => {
        await file.writeFile(proved.text);
        await recorded();
      });
    }
  });
}

function inWords(seq: number): string {
  return seq.toLocaleString('en');
}
