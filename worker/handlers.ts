// Job name → what is done. Exhaustive: a job without a handler does not compile.
import type { Context } from '../src/core/context.ts';
import type { JobName, Jobs } from '../src/core/platform/queues.ts';
import { cleanupAttempts, cleanupMails, cleanupSessions, cleanupTokens } from './jobs/cleanup.ts';
import { endSession } from './jobs/end-session.ts';

type Handler<Name extends JobName> = (context: Context, payload: Jobs[Name]) => Promise<unknown>;

export const handlers: { readonly [Name in JobName]: Handler<Name> } = {
  'seal-events': ({ sealing }) => sealing.seal(),
  'sign-exports': ({ exportSigning }) => exportSigning.answerDue(),
  'grow-tree': async ({ checkpoints, tree }) => checkpoints.canSign && tree.grow({ withinMs: 3_000 }),
  'index-details': ({ textIndex, lastLogins }) => Promise.all([textIndex.keepUp(), lastLogins.keepUp()]),
  'make-partitions': ({ sealing }) => sealing.makePartitions(),
  'write-checkpoint': ({ checkpoints }) => checkpoints.write('schedule'),
  'drop-months': ({ retention }) => retention.dropOld(),
  'flush-touches': ({ sessionCache }) => sessionCache.flushTouches(),
  'fold-refusals': ({ blocks }) => blocks.fold(),
  'watch-attempts': ({ attackDetection }) => attackDetection.watch(),
  'send-mails': ({ mailDelivery }) => mailDelivery.sendDue(),
  'follow-log': ({ alerting }) => alerting.follow(),
  'look-for-trouble': ({ alerting }) => alerting.lookForTrouble(),
  'post-alerts': ({ alerting }) => alerting.postDue(),
  'end-session': endSession,
  'end-everybody': ({ endAllSessions }) => endAllSessions.endRemaining({ withinMs: 8_000 }),
  'secure-accounts': ({ secureMany }) => secureMany.secureRemaining({ withinMs: 8_000 }),
  'cleanup-sessions': cleanupSessions,
  'cleanup-attempts': cleanupAttempts,
  'cleanup-tokens': cleanupTokens,
  'cleanup-mails': cleanupMails,
  'rotate-keys': ({ forwardAuth }) => forwardAuth.rotateKeys(),
  'erase-accounts': ({ accountDeletion }) => accountDeletion.finish(),
};
