// Job name → what is done. Exhaustive: a job without a handler does not compile.
import type { Context } from '../src/core/context.ts';
import type { JobName, Jobs } from '../src/core/platform/queues.ts';
import { cleanupAttempts, cleanupMails, cleanupSessions, cleanupTokens } from './jobs/cleanup.ts';
import { endSession } from './jobs/end-session.ts';

type Handler<Name extends JobName> = (context: Context, payload: Jobs[Name]) => Promise<unknown>;

export const handlers: { readonly [Name in JobName]: Handler<Name> } = {
  'seal-events': ({ sealing }) => sealing.seal(),
  'index-details': ({ textIndex }) => textIndex.keepUp(),
  'make-partitions': ({ sealing }) => sealing.makePartitions(),
  'write-checkpoint': ({ checkpoints }) => checkpoints.write('schedule'),
  'drop-months': ({ retention }) => retention.dropOld(),
  'flush-touches': ({ sessionCache }) => sessionCache.flushTouches(),
  'fold-refusals': ({ blocks }) => blocks.fold(),
  'watch-attempts': ({ attackDetection }) => attackDetection.watch(),
  'send-mails': ({ mailDelivery }) => mailDelivery.sendDue(),
  'end-session': endSession,
  'end-everybody': ({ endAllSessions }) => endAllSessions.endRemaining({ withinMs: 8_000 }),
  'cleanup-sessions': cleanupSessions,
  'cleanup-attempts': cleanupAttempts,
  'cleanup-tokens': cleanupTokens,
  'cleanup-mails': cleanupMails,
  'rotate-keys': ({ forwardAuth }) => forwardAuth.rotateKeys(),
  'erase-accounts': ({ accountDeletion }) => accountDeletion.finish(),
};
