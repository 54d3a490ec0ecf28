// A failover under load, with what the log lagged meanwhile.
import { type Row, type RunOptions, runScenario } from '../restart/run.ts';
import type { FailoverScenario } from './scenarios.ts';
import { watchSealingLag } from './sealing-lag.ts';

export type FailoverRow = Row & {
  /** How long an unsealed event has waited at most. */
  readonly lagSeconds: number;
  /** How long after a standby was promoted the last log-in was refused; null where none was promoted. */
  readonly refusedForMs: number | null;
};

/** Runs it and puts everything back as it was. */
export async function runFailover(scenario: FailoverScenario, options: RunOptions): Promise<FailoverRow> {
  const lag = watchSealingLag(() => options.installation.servers.database.superuserUrl);
  const stopped = runScenario(scenario, options).then(
    async (row) => ({ ...row, lagSeconds: await lag.stop(), refusedForMs: refusedFor(row, scenario) }),
    async (error: unknown) => {
      await lag.stop();
      throw error;
    },
  );
  return stopped.finally(scenario.mend);
}

function refusedFor({ lastRefusedAt }: Row, { promotedAt }: FailoverScenario): number | null {
  const promoted = promotedAt?.();
  return promoted === undefined ? null : Math.max(0, (lastRefusedAt ?? promoted) - promoted);
}
