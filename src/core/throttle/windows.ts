// The windows that an attempt counts in: the name of each in Redis, and its rule. The first is the attempt's own.
import { clientKey, WIDER, type WiderPrefix, widerNetworks } from '../platform/networks.ts';
import type { ThrottlePolicy, ThrottleRule } from './policy.ts';

/** How many times as much all sessions of an account may do as one: none can take everything from the others. */
const ACCOUNT_ACTS = 3;

/** Prefixes stay: records keep the keys. */
const SCOPES = {
  account_client: { prefix: 'ac', rule: 'accountClient' },
  client: { prefix: 'c', rule: 'client' },
  account: { prefix: 'a', rule: 'account' },
  device: { prefix: 'd', rule: 'device' },
  register: { prefix: 'r', rule: 'register' },
  password_change: { prefix: 'p', rule: 'passwordChange' },
  mailbox: { prefix: 'm', rule: 'mailbox' },
  mail_client: { prefix: 'mc', rule: 'mailClient' },
  token: { prefix: 't', rule: 'token' },
  second_factor: { prefix: 'f', rule: 'secondFactor' },
  login_success: { prefix: 'ls', rule: 'logins', counts: 'successes' },
  proof_success: { prefix: 'ps', rule: 'logins', counts: 'successes' },
  session_acts: { prefix: 'xs', rule: 'acts' },
  account_acts: { prefix: 'xa', rule: 'acts', times: ACCOUNT_ACTS },
  forbidden: { prefix: 'z', rule: 'forbidden' },
  forbidden_client: { prefix: 'zc', rule: 'forbidden' },
  api: { prefix: 'k', rule: 'api' },
  looks: { prefix: 'g', rule: 'api' },
} as const satisfies Record<string, KindOfScope>;

/** The scopes of a client. Its wider IPv6 networks have such windows too: one customer may have 65,536 clients. */
const OF_CLIENTS = ['client', 'register', 'mail_client', 'token', 'forbidden_client'] as const;

/** `successes`: attempts are refused while it is full, but only those that succeed are counted. */
type Counts = 'attempts' | 'successes';

interface KindOfScope {
  readonly prefix: string;
  readonly rule: RuleName;
  readonly counts?: Counts;
  readonly times?: number;
}

type RuleName = {
  [Name in keyof ThrottlePolicy]: ThrottlePolicy[Name] extends ThrottleRule ? Name : never;
}[keyof ThrottlePolicy];
type Scope = keyof typeof SCOPES;
type ClientScope = (typeof OF_CLIENTS)[number];

export type ThrottleScope = Scope | `${ClientScope}_${WiderPrefix}`;

/** One window that an attempt takes a point of. */
export interface Window {
  readonly scope: ThrottleScope;
  readonly key: string;
  readonly rule: ThrottleRule;
  readonly counts: Counts;
}

export interface LoginTarget {
  /** The keyed hash of the address as typed. */
  readonly account: string;
  readonly ip: string | null;
  /** Of this account; null for a stranger. */
  readonly deviceId: string | null;
}

interface Kind {
  readonly scope: ThrottleScope;
  readonly prefix: string;
  readonly rule: ThrottleRule;
  readonly counts: Counts;
}

/**
 * Where somebody proves to be an account's owner: at a log-in, from a new browser (null) or a known one; to confirm it where
 * they are logged in; or beside a link, to take an account back.
 */
export type FactorPlace = null | { readonly deviceId: string } | 'confirm' | 'link';

export type ThrottleWindows = ReturnType<typeof createThrottleWindows>;

export function createThrottleWindows(policy: ThrottlePolicy) {
  const kinds = new Map(kindsOf(policy).map((kind) => [kind.scope, kind]));
  const byPrefix = new Map([...kinds.values()].map((kind) => [kind.prefix, kind]));

  function window(scope: ThrottleScope, what: string): Window {
    const kind = kinds.get(scope);
    if (!kind) throw new Error(`no windows of ${scope}`);
    return { scope, key: `${kind.prefix}:${what}`, rule: kind.rule, counts: kind.counts };
  }

  function loginSuccess(account: string, deviceId: string | null): Window {
    return window('login_success', deviceId ?? account);
  }

  /** A client's own, and those of its wider networks. */
  function ofClient(scope: ClientScope, ip: string | null): Window[] {
    const wider = widerNetworks(ip).map(({ bits, network }) => window(`${scope}_${bits}`, network));
    return [window(scope, clientKey(ip)), ...wider];
  }

  return {
    /** A known browser has windows of its own, in place of the others. */
    login({ account, ip, deviceId }: LoginTarget): Window[] {
      const success = loginSuccess(account, deviceId);
      if (deviceId !== null) return [window('device', deviceId), success];
      const accountClient = window('account_client', `${account}:${clientKey(ip)}`);
      return [accountClient, ...ofClient('client', ip), window('account', account), success];
    },
    /** Of a log-in without a password. */
    loginSuccess: (account: string, deviceId: string | null) => [loginSuccess(account, deviceId)],

    register: (ip: string | null) => ofClient('register', ip),
    passwordChange: (userId: string) => [window('password_change', userId), window('proof_success', userId)],
    mail: ({ address, ip }: { address: string; ip: string | null }) => [
      window('mailbox', address),
      ...ofClient('mail_client', ip),
    ],
    token: (ip: string | null) => ofClient('token', ip),
    /** Here too, so that strangers who know the password can't keep the owner out. */
    secondFactor(userId: string, place: FactorPlace): Window[] {
      const whose = place === null ? userId : `${userId}:${typeof place === 'string' ? place : place.deviceId}`;
      return [window('second_factor', whose), window('proof_success', whose)];
    },

    act: ({ sessionId, userId }: { sessionId: string; userId: string }) => [
      window('session_acts', sessionId),
      window('account_acts', userId),
    ],
    api: (tokenId: string) => [window('api', tokenId)],
    look: (userId: string) => [window('looks', userId)],
    /** Of an account, or of a client that is not logged in. */
    forbidden: ({ userId, ip }: { userId: string | null; ip: string | null }) =>
      userId === null ? ofClient('forbidden_client', ip) : [window('forbidden', userId)],

    /** The window that a record names; null for a kind that this version doesn't know. */
    ofKey(key: string): Window | null {
      const kind = byPrefix.get(key.slice(0, key.indexOf(':')));
      return kind ? { scope: kind.scope, key, rule: kind.rule, counts: kind.counts } : null;
    },

    /** How far back a record can matter. */
    longestMs: Math.max(...[...kinds.values()].map(({ rule }) => rule.windowMs)),
    /** The same of a log-in, apart from its account's window. */
    longestOfClientMs: Math.max(
      ...[policy.accountClient, policy.client, policy.device, policy.logins].map(({ windowMs }) => windowMs),
    ),
    accountMs: policy.account.windowMs,
    longestBlockMs: policy.blockLongestMs,
  };
}

/** Whether a scope tells of a client or a network, and of no account. */
export function isOfClients(scope: string): boolean {
  return OF_CLIENTS.some((one) => scope === one || scope.startsWith(`${one}_`));
}

function kindsOf(policy: ThrottlePolicy): Kind[] {
  const own = (Object.keys(SCOPES) as Scope[]).map((scope) => {
    const { prefix, rule, counts = 'attempts', times = 1 }: KindOfScope = SCOPES[scope];
    return { scope, prefix, rule: multiplied(policy[rule], times), counts };
  });
  const wider = OF_CLIENTS.flatMap((scope) =>
    WIDER.map((bits, step) => {
      const { prefix, rule } = SCOPES[scope];
      const wider = multiplied(policy[rule], policy.networkFactor ** (step + 1));
      return {
        scope: `${scope}_${bits}` as const,
        prefix: `${prefix}${bits}`,
        rule: wider,
        counts: 'attempts' as const,
      };
    }),
  );
  return [...own, ...wider];
}

function multiplied({ free, limit, windowMs }: ThrottleRule, factor: number): ThrottleRule {
  return { free: free * factor, limit: limit * factor, windowMs };
}
