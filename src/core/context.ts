// Builds everything below it, once a process, from the configuration; closing it ends what it opened. The only file that
// knows all of the core.
import type { Redis } from 'ioredis';
import { createDataExport, type DataExport } from './accounts/data-export.ts';
import { type AccountDeletion, createAccountDeletion } from './accounts/deletion.ts';
import { createRecentChanges, type ReadRecentChanges } from './accounts/recent-changes.ts';
import { createUserSearch, type UserSearch } from './accounts/user-search.ts';
import { createUsers, type Users } from './accounts/users.ts';
import type { NewAuditEvent } from './audit/events.ts';
import { recordEvent } from './audit/outbox.ts';
import { type AuditLog, createAuditLog } from './audit/reading/audit-log.ts';
import { createHistogram, type Histogram } from './audit/reading/histogram.ts';
import { createTextIndex, type TextIndex } from './audit/reading/text-index.ts';
import { createSealing, type Sealing } from './audit/sealing.ts';
import { type Checkpoints, createCheckpoints } from './audit/verification/checkpoints.ts';
import { createRetention, type Retention } from './audit/verification/retention.ts';
import { createVerification, type Verification } from './audit/verification/verify-log.ts';
import type { Config } from './config.ts';
import { type BreachedPasswords, createBreachedPasswords } from './credentials/breached-passwords.ts';
import { createIdentifierHash } from './credentials/identifier-hash.ts';
import { createOneTimeLinks, type OneTimeLinks } from './credentials/one-time-links.ts';
import { createPasswords, type Passwords } from './credentials/passwords.ts';
import { createSecretBox } from './credentials/secret-box.ts';
import { createEnrolment, type Enrolment } from './factors/enrolment.ts';
import { deleteFactorsWithin } from './factors/factor-removal.ts';
import { createPasskeyChallenges } from './factors/passkey-challenges.ts';
import { createPasskeys, type Passkeys } from './factors/passkeys.ts';
import { createSecondFactors, readFactorsOf, type SecondFactors } from './factors/second-factors.ts';
import { createStartFirstSession } from './login/first-session.ts';
import { createPasskeyLogin, type PasskeyLogin } from './login/passkey-login.ts';
import { createPasswordLogin, type PasswordLogin } from './login/password-login.ts';
import { createPendingLogins, endPendingLoginsWithin, type PendingLogins } from './login/pending-logins.ts';
import { createReauthentication, type Reauthentication } from './login/reauthentication.ts';
import { createRenewHash } from './login/renew-hash.ts';
import { createSecondFactorLogin, type SecondFactorLogin } from './login/second-factor-login.ts';
import { createStartSession } from './login/start-session.ts';
import { createMailDelivery, type MailDelivery } from './mail/delivery.ts';
import { createMail, type Mail } from './mail/outgoing-mail.ts';
import { createMailRenderer } from './mail/rendering.ts';
import { createMailTransport } from './mail/transport.ts';
import { createOverview, type ReadOverview } from './overview.ts';
import { type Database, openDatabase } from './platform/database.ts';
import type { Log } from './platform/log.ts';
import { createMetrics, type Metrics } from './platform/metrics.ts';
import { openQueues, type Queues } from './platform/queues.ts';
import { closeRedis, openRedis } from './platform/redis.ts';
import { createEmailChanges, type EmailChanges } from './self-service/email-change.ts';
import { createEmailChangeRequest, type RequestEmailChange } from './self-service/email-change-request.ts';
import { createEmailMove } from './self-service/email-move.ts';
import { createInvitations, type Invitations } from './self-service/invitations.ts';
import { createNotMe, type NotMe } from './self-service/not-me.ts';
import { createOpenLink } from './self-service/open-link.ts';
import { createPasswordChanges, type PasswordChanges } from './self-service/password-change.ts';
import { createPasswordResets, type PasswordResets } from './self-service/password-reset.ts';
import { createPendingRegistrations } from './self-service/pending-registrations.ts';
import { createRegistration, type Registration } from './self-service/registration.ts';
import { createResetLinks, type ResetLinks } from './self-service/reset-links.ts';
import { createVerifiedRegistration, type VerifiedRegistration } from './self-service/verified-registration.ts';
import { createEndAllSessions, type EndAllSessions } from './sessions/end-all-sessions.ts';
import { createSealedEndings } from './sessions/sealed-endings.ts';
import { createSessionCache, type SessionCache } from './sessions/session-cache.ts';
import { createSessionTable, type SessionTable } from './sessions/session-table.ts';
import { createSessions, type Sessions } from './sessions/sessions.ts';
import { type AttackDetection, createAttackDetection } from './throttle/attack-detection.ts';
import { type Attempts, createAttempts } from './throttle/attempts.ts';
import { type Blocks, createBlocks } from './throttle/blocks.ts';
import { createKnownDevices, type KnownDevices } from './throttle/known-devices.ts';
import { createRefusals, type Refusals } from './throttle/refusals.ts';
import { sealedAttempts } from './throttle/sealed-attempts.ts';
import { createThrottle, type Throttle } from './throttle/throttle.ts';

export interface Context {
  readonly config: Config;
  readonly log: Log;
  readonly database: Database;
  readonly metrics: Metrics;
  readonly redis: Redis;
  readonly queues: Queues;
  readonly sessionTable: SessionTable;
  readonly sessionCache: SessionCache;
  readonly sessions: Sessions;
  readonly endAllSessions: EndAllSessions;
  readonly readRecentChanges: ReadRecentChanges;
  readonly passwords: Passwords;
  readonly breachedPasswords: BreachedPasswords;
  readonly users: Users;
  readonly userSearch: UserSearch;
  readonly throttle: Throttle;
  readonly refusals: Refusals;
  readonly attempts: Attempts;
  readonly blocks: Blocks;
  readonly attackDetection: AttackDetection;
  readonly devices: KnownDevices;
  readonly passwordLogin: PasswordLogin;
  readonly registration: Registration;
  readonly verifiedRegistration: VerifiedRegistration;
  readonly invitations: Invitations;
  readonly passwordChanges: PasswordChanges;
  readonly passwordResets: PasswordResets;
  readonly resetLinks: ResetLinks;
  readonly requestEmailChange: RequestEmailChange;
  readonly emailChanges: EmailChanges;
  readonly reauthentication: Reauthentication;
  readonly links: OneTimeLinks;
  readonly mail: Mail;
  readonly mailDelivery: MailDelivery;
  readonly notMe: NotMe;
  readonly dataExport: DataExport;
  readonly accountDeletion: AccountDeletion;
  readonly passkeys: Passkeys;
  readonly secondFactors: SecondFactors;
  readonly pendingLogins: PendingLogins;
  readonly secondFactorLogin: SecondFactorLogin;
  readonly passkeyLogin: PasskeyLogin;
  readonly enrolment: Enrolment;
  readonly auditLog: AuditLog;
  readonly histogram: Histogram;
  readonly textIndex: TextIndex;
  readonly verification: Verification;
  readonly checkpoints: Checkpoints;
  readonly retention: Retention;
  readonly sealing: Sealing;
  readonly readOverview: ReadOverview;
  /** Records one event in a transaction of its own, for acts that change nothing else. Throws if PostgreSQL is away. */
  record(event: NewAuditEvent): Promise<void>;
  close(): Promise<void>;
}

/** Opens the stores in the background: a server that is not there yet is waited for, and nothing here throws for it. */
export function createContext(config: Config, log: Log): Context {
  const database = openDatabase({
    url: config.databaseUrl,
    poolSize: config.databasePoolSize,
    onError: ({ message }) => log.debug({ reason: message }, 'an idle connection to PostgreSQL broke'),
    nudge: (job) => queues.nudge(job),
  });
  const verification = createVerification({ database });
  const checkpoints = createCheckpoints({
    database,
    verification,
    log,
    key: config.audit.signingKey,
    publicKeys: config.audit.publicKeys,
    file: config.audit.checkpointFile,
  });
  const redis = openRedis({ url: config.redisUrl, role: 'sessions', log });
  const queueConnection = openRedis({ url: config.redisUrl, role: 'queue', log });
  const queues = openQueues(queueConnection);
  const sessionTable = createSessionTable({ database });
  const metrics = createMetrics();
  const sessionCache = createSessionCache({ redis, table: sessionTable, log, count: metrics.countRead });
  const sessions = createSessions({
    database,
    table: sessionTable,
    cache: sessionCache,
    queues,
    policy: config.session,
    log,
  });
  const passwords = createPasswords({ concurrency: config.passwordHashConcurrency, cost: config.passwordHashCost });
  const breachedPasswords = createBreachedPasswords({
    url: config.breachedPasswordsUrl,
    ...{ database, metrics, log },
  });
  const users = createUsers({ database, sessions });
  const throttle = createThrottle({ redis, database, policy: config.throttle, log, count: metrics.countRefusal });
  const devices = createKnownDevices({
    database,
    signingKeys: config.sessionKeys,
    retentionMs: config.throttle.deviceRetentionMs,
  });
  const links = createOneTimeLinks({ database });
  const mail = createMail({ database, policy: config.mail });
  const identifierHash = createIdentifierHash(config.sessionKeys.at(-1) ?? '');
  const refusals = createRefusals({ database });
  const startSession = createStartSession({ database, sessions, devices, identifierHash, links, mail });
  const startFirstSession = createStartFirstSession({ sessions, devices, identifierHash });
  const auditLog = createAuditLog({ database });
  const secretBox = createSecretBox(config.secretsKeys);
  const passkeys = createPasskeys({
    database,
    challenges: createPasskeyChallenges({ secretBox }),
    origin: config.publicOrigin,
    serviceName: config.serviceName,
  });
  const secondFactors = createSecondFactors({ database, secretBox, passwords, passkeys });
  const pendingLogins = createPendingLogins({ database });
  const openLink = createOpenLink({ users, throttle, refusals, links });
  const proof = {
    database,
    users,
    sessions,
    passwords,
    breachedPasswords,
    queues,
    throttle,
    refusals,
    devices,
    startSession,
    startFirstSession,
    identifierHash,
    links,
    openLink,
    mail,
    log,
    passkeys,
    secondFactors,
    pendingLogins,
  };
  const registration = createRegistration(proof);
  const pendingRegistrations = createPendingRegistrations({ ...proof, registration });
  const resetLinks = createResetLinks(proof);
  return {
    config,
    log,
    database,
    metrics,
    redis,
    queues,
    sessionTable,
    sessionCache,
    sessions,
    passwords,
    breachedPasswords,
    users,
    throttle,
    refusals,
    attempts: createAttempts({ database }),
    blocks: createBlocks({ redis, database, throttle, log }),
    attackDetection: createAttackDetection({ database, policy: config.throttle }),
    devices,
    passwordLogin: createPasswordLogin({ ...proof, renewHash: createRenewHash({ database, passwords, links, log }) }),
    registration,
    verifiedRegistration: createVerifiedRegistration({ ...proof, pendingRegistrations }),
    invitations: createInvitations({ ...proof, pendingRegistrations }),
    passwordChanges: createPasswordChanges(proof),
    passwordResets: createPasswordResets({ ...proof, resetLinks }),
    resetLinks,
    requestEmailChange: createEmailChangeRequest(proof),
    emailChanges: createEmailChanges({ ...proof, emailMove: createEmailMove(proof), resetLinks }),
    reauthentication: createReauthentication(proof),
    links,
    mail,
    mailDelivery: createMailDelivery({
      database,
      links,
      queues,
      policy: config.mail,
      render: createMailRenderer({ serviceName: config.serviceName, origin: config.publicOrigin }),
      deliver: createMailTransport({ ...config, policy: config.mail, redis }),
      publicOrigin: config.publicOrigin,
      log,
    }),
    auditLog,
    histogram: createHistogram({ database, auditLog }),
    userSearch: createUserSearch({ database }),
    readRecentChanges: createRecentChanges({ database, auditLog }),
    notMe: createNotMe(proof),
    dataExport: createDataExport({ database, readFactorsOf }),
    accountDeletion: createAccountDeletion({
      database,
      users,
      sessions,
      mail,
      emptyAbove: [deleteFactorsWithin, endPendingLoginsWithin],
    }),
    passkeys,
    secondFactors,
    pendingLogins,
    secondFactorLogin: createSecondFactorLogin(proof),
    passkeyLogin: createPasskeyLogin(proof),
    enrolment: createEnrolment({
      ...proof,
      secretBox,
      mail,
      policy: config.secondFactor,
      language: config.languages[0],
    }),
    textIndex: createTextIndex({ database }),
    verification,
    checkpoints,
    retention: createRetention({ database, checkpoints, retentionMs: config.audit.retentionMs }),
    sealing: createSealing({ database, followers: [createSealedEndings({ cache: sessionCache }), sealedAttempts] }),
    endAllSessions: createEndAllSessions({ database, sessions, cache: sessionCache }),
    readOverview: createOverview({ database, sessionTable, redis, queues, log }),
    async record(event) {
      await database.transact((transaction) => recordEvent(transaction, event));
    },
    async close() {
      sessionCache.close();
      await queues.close();
      await Promise.all([closeRedis(redis), closeRedis(queueConnection), database.close()]);
    },
  };
}
