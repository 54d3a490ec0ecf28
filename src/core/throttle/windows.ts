// The windows that an attempt counts in: the name of each in Redis, and its rule. The first is the attempt's own.
import { clientKey, WIDER, type WiderPrefix, widerNetworks } from '../platform/networks.ts';
import type { ThrottlePolicy, ThrottleRule } from './policy.ts';

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
} as const satisfies Record<string, { prefix: string; rule: RuleName }>;

/** The scopes of a client. Its wider IPv6 networks have such windows too: one customer may have 65,536 clients. */
const OF_CLIENTS = ['client', 'register', 'mail_client', 'token'] as const;

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
}

export type ThrottleWindows = ReturnType<typeof createThrottleWindows>;

export function createThrottleWindows(policy: ThrottlePolicy) {
  const kinds = new Map(kindsOf(policy).map((kind) => [kind.scope, kind]));
  const byPrefix = new Map([...kinds.values()].map((kind) => [kind.prefix, kind]));

  function window(scope: ThrottleScope, what: string): Window {
    const kind = kinds.get(scope);
    if (!kind) throw new Error(`no windows of ${scope}`);
    return { scope, key: `${kind.prefix}:${what}`, rule: kind.rule };
  }

  /** A client's own, and those of its wider networks. */
  function ofClient(scope: ClientScope, ip: string | null): Window[] {
    const wider = widerNetworks(ip).map(({ bits, network }) => window(`${scope}_${bits}`, network));
    return [window(scope, clientKey(ip)), ...wider];
  }

  return {
    /** A known browser has a window of its own, in place of the others. */
    login({ account, ip, deviceId }: LoginTarget): Window[] {
      if (deviceId !== null) return [window('device', deviceId)];
      const accountClient = window('account_client', `${account}:${clientKey(ip)}`);
      return [accountClient, ...ofClient('client', ip), window('account', account)];
    },

    register: (ip: string | null) => ofClient('register', ip),
    passwordChange: (userId: string) => [window('password_change', userId)],
    mail: ({ address, ip }: { address: string; ip: string | null }) => [
      window('mailbox', address),
      ...ofClient('mail_client', ip),
    ],
    token: (ip: string | null) => ofClient('token', ip),
    /** Here too, so that strangers who know the password can't keep the owner out. */
    secondFactor: (userId: string, deviceId: string | null) => [
      window('second_factor', deviceId === null ? userId : `${userId}:${deviceId}`),
    ],

    /** The window that a record names; null for a kind that this version doesn't know. */
    ofKey(key: string): Window | null {
      const kind = byPrefix.get(key.slice(0, key.indexOf(':')));
      return kind ? { scope: kind.scope, key, rule: kind.rule } : null;
    },

    /** How far back a record can matter. */
    longestMs: Math.max(...[...kinds.values()].map(({ rule }) => rule.windowMs)),
    /** The same of a log-in, apart from its account's window. */
    longestOfClientMs: Math.max(policy.accountClient.windowMs, policy.client.windowMs, policy.device.windowMs),
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
    const { prefix, rule } = SCOPES[scope];
    return { scope, prefix, rule: policy[rule] };
  });
  const wider = OF_CLIENTS.flatMap((scope) =>
    WIDER.map((bits, step) => {
      const { prefix, rule } = SCOPES[scope];
      const rules = times(policy[rule], policy.networkFactor ** (step + 1));
      return { scope: `${scope}_${bits}` as const, prefix: `${prefix}${bits}`, rule: rules };
    }),
  );
  return [...own, ...wider];
}

function times({ free, limit, windowMs }: ThrottleRule, factor: number): ThrottleRule {
  return { free: free * factor, limit: limit * factor, windowMs };
}
