// Builds everything below it, once a process, from the configuration; closing it ends what it
// opened. The only file that knows all of the core.
import { createApiTokens } from './accounts/api-tokens.ts';
import { createDataExport } from './accounts/data-export.ts';
import { createAccountDeletion } from './accounts/deletion.ts';
import { createLastLogins } from './accounts/last-logins.ts';
import { createRecentChanges } from './accounts/recent-changes.ts';
import { createSavedViews } from './accounts/saved-views.ts';
import { createUserSearch } from './accounts/user-search.ts';
import { createUsers, type Users } from './accounts/users.ts';
import { createAlertList } from './alerting/alert-list.ts';
import { createAlerting } from './alerting/alerting.ts';
import { createAlertSettings } from './alerting/settings.ts';
import { weaknessesOf } from './alerting/weak-configuration.ts';
import { createApplications } from './applications/applications.ts';
import { createRegistry } from './applications/registry/registry.ts';
import { type NewAuditEvent, NO_ORIGIN } from './audit/events.ts';
import { recordEvent } from './audit/outbox.ts';
import { createActivityLog } from './audit/reading/activity.ts';
import { createAuditLog } from './audit/reading/audit-log.ts';
import { createHistogram } from './audit/reading/histogram.ts';
import { createTextIndex } from './audit/reading/text-index.ts';
import { createSealing } from './audit/sealing.ts';
import { createTree } from './audit/tree/tree.ts';
import { createCheckpoints } from './audit/verification/checkpoints.ts';
import { createExportSigning } from './audit/verification/exports/export-signing.ts';
import { createRetention } from './audit/verification/retention.ts';
import { createVerification } from './audit/verification/verify-log.ts';
import type { Config } from './config.ts';
import { createBreachedPasswords } from './credentials/breached-passwords.ts';
import { createIdentifierHash } from './credentials/identifier-hash.ts';
import { createAccountPasswords } from './credentials/imported/account-passwords.ts';
import { createImportedHashes } from './credentials/imported/threads.ts';
import { createOneTimeLinks } from './credentials/one-time-links.ts';
import { createPasswordPolicy } from './credentials/password-policy.ts';
import { createPasswords } from './credentials/passwords.ts';
import { createSecretBox } from './credentials/secret-box.ts';
import { createEnrolment } from './factors/enrolment.ts';
import { deleteFactorsWithin } from './factors/factor-removal.ts';
import { createPasskeyChallenges } from './factors/passkey-challenges.ts';
import { createPasskeys } from './factors/passkeys.ts';
import { createSecondFactors, readFactorsOf } from './factors/second-factors.ts';
import { createShownCodes } from './factors/shown-codes.ts';
import { createForwardAuth } from './forward-auth/forward-auth.ts';
import { readGroupsOf } from './groups/group-lists.ts';
import { createGroups, leaveAllGroupsWithin } from './groups/groups.ts';
import { createLogins } from './login/logins.ts';
import { endPendingLoginsWithin } from './login/pending-logins.ts';
import { createMailDelivery } from './mail/delivery.ts';
import { createLogInTraits } from './mail/log-in-traits.ts';
import { createMail, type Mail } from './mail/outgoing-mail.ts';
import { createTellOwner, type TellOwner, wasToldLately } from './mail/owner-mail.ts';
import { createMailRenderer } from './mail/rendering.ts';
import { createMailTransport } from './mail/transport.ts';
import { createImportPeople } from './moving/import-people.ts';
import { createTakeOver } from './moving/old-system/take-over.ts';
import { createOverview } from './overview.ts';
import { createPlaces } from './places/places.ts';
import { openDatabase } from './platform/database.ts';
import type { Log } from './platform/log.ts';
import type { Metrics } from './platform/metrics.ts';
import { openQueues } from './platform/queues.ts';
import { closeRedis, isCluster, openRedis, openSessionRedis } from './platform/redis.ts';
import { createSecureAccount } from './securing/secure-account.ts';
import { createSecureMany } from './securing/secure-many.ts';
import { createSelfService } from './self-service/self-service.ts';
import { createAcceptRewind } from './sessions/accept-rewind.ts';
import { createApplicationSessions } from './sessions/application-sessions.ts';
import { createEndAllSessions } from './sessions/end-all-sessions.ts';
import { createRepair } from './sessions/failover/repair.ts';
import { createSealedEndings } from './sessions/sealed-endings.ts';
import { createSessionCache, sessionStoreName } from './sessions/session-cache.ts';
import { createSessionTable } from './sessions/session-table.ts';
import { createSessions } from './sessions/sessions.ts';
import { createDrains } from './shipping/drains.ts';
import { createAttackDetection } from './throttle/attack-detection.ts';
import { createAttempts } from './throttle/attempts.ts';
import { createBlocks } from './throttle/blocks.ts';
import { createFoldedEvents } from './throttle/folded-events.ts';
import { forgetBrowsersWithin } from './throttle/known-device-rows.ts';
import { createKnownDevices } from './throttle/known-devices.ts';
import { createRefusals } from './throttle/refusals.ts';
import { sealedAttempts } from './throttle/sealed-attempts.ts';
import { createThrottle } from './throttle/throttle.ts';
import { readHabitOf } from './unusual/habit-rows.ts';
import { createLoginPlaces } from './unusual/login-places.ts';
import { createNoticing } from './unusual/noticing.ts';

export type Context = ReturnType<typeof createContext>;

export interface ContextOptions {
  readonly metrics: Metrics;
  /** Without them the worker learns of what was done by its sweeps. */
  readonly nudges?: boolean;
}

/** Opens the stores in the background: one that is away is waited for, and nothing throws for it. */
export function createContext(config: Config, log: Log, { metrics, nudges = true }: ContextOptions) {
  const { closeStores, ...opened } = openStores(config, log, nudges);
  const stores = { ...opened, metrics };
  const { database, redis, queues } = stores;
  const credentials = createCredentials(config, log, stores);
  const { links } = credentials;
  const throttling = createThrottling(config, log, stores);
  const sessionRoom = createSessionRoom(config, log, stores);
  const { sessions, sessionCache } = sessionRoom;
  const audit = createAudit(config, log, { database, sessionCache, queues });
  const mail = createMail({ database, policy: config.mail });
  const users = createUsers({ database, sessions });
  const tellOwnerWithin = createTellOwner({ mail, links });
  const below = { ...stores, ...credentials, ...throttling, ...sessionRoom, mail, tellOwnerWithin, users };
  const factors = createFactors(config, below);
  const { oldSystem } = config;
  const takeOver = oldSystem && createTakeOver({ ...below, oldSystem, log });
  const logins = createLogins({ ...below, ...factors, wasToldLately, takeOver, log });
  const registryRooms = createRegistryRooms(config, below);
  const emptyAbove = [deleteFactorsWithin];
  const [language] = config.languages;
  const secureAccount = createSecureAccount({ ...below, cost: config.passwordHashCost, language });
  const { mail: policy, publicOrigin, serviceName } = config;
  /** For acts that change nothing else. Throws if PostgreSQL is away. */
  const record = async (event: NewAuditEvent): Promise<void> => {
    await database.transact((transaction) => recordEvent(transaction, event));
  };
  const render = createMailRenderer({ serviceName, origin: publicOrigin });
  const deliver = createMailTransport({ ...config, policy, redis, database });
  const mailDelivery = createMailDelivery({
    ...{ database, links, queues, policy, render, deliver, publicOrigin, log },
    readTraits: createLogInTraits({ database, ...audit, seal: () => audit.sealing.seal() }),
  });
  const alerting = createAlerting({
    ...{ database, mail, language, serviceName, publicOrigin, log, webhook: config.alertWebhook },
    mailAwayMs: mailDelivery.awayMs,
    weaknesses: weaknessesOf(config),
  });
  return {
    config,
    log,
    ...below,
    ...audit,
    ...factors,
    ...logins,
    takeOver,
    ...registryRooms,
    forwardAuth: createForwardAuth({
      ...below,
      ...registryRooms,
      publicOrigin,
      longestSessionMs: longestOf(config.session),
    }),
    ...createSelfService({ ...below, ...logins }),
    secureAccount,
    apiTokens: createApiTokens(below),
    savedViews: createSavedViews({ database }),
    secureMany: createSecureMany({ database, secureAccount, log }),
    mailDelivery,
    alerting,
    alertSettings: createAlertSettings({ database }),
    readAlerts: createAlertList({ database, mail }),
    userSearch: createUserSearch({ database }),
    lastLogins: createLastLogins({ database }),
    readRecentChanges: createRecentChanges({ database, auditLog: audit.auditLog }),
    dataExport: createDataExport({ database, readGroupsOf, readFactorsOf, readHabitOf }),
    importPeople: createImportPeople({ ...below, cost: config.passwordHashCost, language: config.languages[0] }),
    accountDeletion: createAccountDeletion({ database, users, sessions, mail, leaveAllGroupsWithin, emptyAbove }),
    readOverview: createOverview({ ...below, isRewound: sessionCache.rewound.stands, log }),
    record,
    async close(): Promise<void> {
      alerting.close();
      sessionCache.close();
      await credentials.importedHashes.close();
      await closeStores();
    },
  };
}

function longestOf({ standard, remembered, operator }: Config['session']): number {
  return Math.max(...[standard, remembered, operator].map(({ absoluteLifetimeMs }) => absoluteLifetimeMs));
}

type Stores = Omit<ReturnType<typeof openStores>, 'closeStores'> & Pick<ContextOptions, 'metrics'>;
type Below = Stores &
  ReturnType<typeof createCredentials> &
  ReturnType<typeof createThrottling> &
  ReturnType<typeof createSessionRoom> & {
    readonly mail: Mail;
    readonly tellOwnerWithin: TellOwner;
    readonly users: Users;
  };

function openStores(config: Config, log: Log, nudges: boolean) {
  const redis = openRedis({ address: config.redis, role: 'sessions', log });
  const sessionRedis = openSessionRedis({ addresses: config.sessionRedis, storeOf: sessionStoreName, log });
  const queueConnection = openRedis({ address: config.redis, role: 'queue', log });
  const queues = openQueues(queueConnection);
  const database = openDatabase({
    url: config.databaseUrl,
    poolSize: config.databasePoolSize,
    onError: ({ message }) => log.debug({ reason: message }, 'an idle connection to PostgreSQL broke'),
    onAway: (reason) =>
      reason === null
        ? log.info('PostgreSQL is back')
        : log.warn({ reason }, 'PostgreSQL is away: nobody waits for it'),
    onUseless: sayOnce((reason) => log.error({ reason }, 'PostgreSQL can not be used')),
    nudge: (job) => nudges && queues.nudge(job),
  });
  async function closeStores(): Promise<void> {
    await queues.close();
    await Promise.all([...[redis, ...sessionRedis, queueConnection].map(closeRedis), database.close()]);
  }
  return { database, redis, sessionRedis, queues, closeStores };
}

/** The same words again and again are said once. */
function sayOnce(say: (words: string) => void): (words: string) => void {
  let said: string | null = null;
  return (words) => {
    if (words !== said) say(words);
    said = words;
  };
}

function createCredentials(config: Config, log: Log, { database, metrics }: Stores) {
  const concurrency = config.passwordHashConcurrency;
  const passwords = createPasswords({ concurrency, cost: config.passwordHashCost });
  const importedHashes = createImportedHashes({ concurrency });
  const secretBox = createSecretBox(config.secretsKeys);
  return {
    passwords,
    importedHashes,
    accountPasswords: createAccountPasswords({ database, passwords, importedHashes, secretBox, log }),
    passwordPolicy: createPasswordPolicy(config),
    breachedPasswords: createBreachedPasswords({ url: config.breachedPasswordsUrl, database, metrics, log }),
    links: createOneTimeLinks({ database }),
    secretBox,
    identifierHash: createIdentifierHash(config.sessionKeys.at(-1) ?? ''),
  };
}

function createThrottling({ throttle: policy, sessionKeys }: Config, log: Log, { database, redis, metrics }: Stores) {
  const throttle = createThrottle({ redis, database, policy, log, count: metrics.countRefusal });
  const refusals = createRefusals({ database });
  return {
    throttle,
    attempts: createAttempts({ database }),
    blocks: createBlocks({ redis, database, throttle, log }),
    attackDetection: createAttackDetection({ database, policy }),
    refusals,
    recordFolded: createFoldedEvents({ throttle, refusals }),
    devices: createKnownDevices({ database, signingKeys: sessionKeys, retentionMs: policy.deviceRetentionMs }),
  };
}

function createSessionRoom(config: Config, log: Log, { database, redis, sessionRedis, queues, metrics }: Stores) {
  const sessionTable = createSessionTable({ database });
  const sessionCache = createSessionCache({
    redis,
    sessionRedis,
    inCluster: config.sessionRedis.some(isCluster),
    table: sessionTable,
    signingKeys: config.sessionKeys,
    log,
    alone: config.redisAlone,
    count: metrics.countRead,
    onStale: database.lookAgain,
    onRewind: (rewind) =>
      database.transact(async (transaction) => {
        const about = { actor: null, subject: null, origin: NO_ORIGIN, detail: { ...rewind } };
        await recordEvent(transaction, { type: 'sys_database_rewound', outcome: 'failure', ...about });
      }),
  });
  const below = { database, table: sessionTable, cache: sessionCache };
  const above = { endWaiting: endPendingLoginsWithin, forgetBrowsers: forgetBrowsersWithin };
  const sessions = createSessions({ ...below, ...above, queues, policy: config.session, log });
  const endAllSessions = createEndAllSessions({ database, sessions, cache: sessionCache });
  const acceptRewind = createAcceptRewind({ database, sessions, cache: sessionCache, endAllSessions });
  const applicationSessions = createApplicationSessions({ database, sessions, cache: sessionCache });
  const repairSessions = createRepair({ database, table: sessionTable, sessions, cache: sessionCache });
  return { sessionTable, sessionCache, sessions, applicationSessions, endAllSessions, acceptRewind, repairSessions };
}

function createAudit(
  config: Config,
  log: Log,
  { database, sessionCache, queues }: Pick<Below, 'database' | 'sessionCache' | 'queues'>,
) {
  const { signingKey: key, publicKeys, checkpointFile: file, retentionMs } = config.audit;
  const auditLog = createAuditLog({ database });
  const verification = createVerification({ database });
  const places = createPlaces({ files: config.placeFiles, log });
  const sayUnnoticed = sayOnce((reason) =>
    log.warn({ reason }, 'events are sealed without their places and what is unusual about them'),
  );
  const tree = createTree({ database, origin: `${new URL(config.publicOrigin).host}/audit` });
  const checkpoints = createCheckpoints({ database, verification, tree, log, key, publicKeys, file });
  return {
    auditLog,
    activityLog: createActivityLog({ database }),
    histogram: createHistogram({ database, auditLog }),
    readLoginPlaces: createLoginPlaces({ database }),
    places,
    textIndex: createTextIndex({ database }),
    verification,
    tree,
    checkpoints,
    drains: createDrains({ database }),
    exportSigning: createExportSigning({
      database,
      auditLog,
      checkpoints,
      key,
      nudge: () => queues.nudge('sign-exports'),
    }),
    retention: createRetention({ database, checkpoints, tree, retentionMs }),
    sealing: createSealing({
      database,
      followers: [createSealedEndings({ cache: sessionCache }), sealedAttempts],
      notice: createNoticing({ places }),
      onUnnoticed: (error) => sayUnnoticed(error instanceof Error ? error.message : String(error)),
      onSealed: checkpoints.noteSealed,
    }),
  };
}

function createRegistryRooms({ publicOrigin }: Config, { database, applicationSessions }: Below) {
  const endApplicationSessions = applicationSessions.endWithin;
  const options = { database, endApplicationSessions, publicOrigin };
  return {
    groups: createGroups(options),
    applications: createApplications(options),
    registry: createRegistry(options),
  };
}

function createFactors(config: Config, below: Below) {
  const { database, passwords, secretBox } = below;
  const { publicOrigin: origin, serviceName, secondFactor: policy, languages } = config;
  const [language] = languages;
  const challenges = createPasskeyChallenges({ database, secretBox });
  const passkeys = createPasskeys({ database, challenges, origin, serviceName });
  return {
    passkeys,
    secondFactors: createSecondFactors({ database, secretBox, passwords, passkeys }),
    shownCodes: createShownCodes({ database, secretBox }),
    enrolment: createEnrolment({ ...below, passkeys, policy, language }),
  };
}
