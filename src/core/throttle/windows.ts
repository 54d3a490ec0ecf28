// The windows that an attempt counts in: the name of each in Redis, and its rule. The first is the attempt's own.
import { clientKey } from '../platform/networks.ts';
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
} as const satisfies Record<string, { prefix: string; rule: keyof ThrottlePolicy }>;

export type ThrottleScope = keyof typeof SCOPES;

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

export type ThrottleWindows = ReturnType<typeof createThrottleWindows>;

export function createThrottleWindows(policy: ThrottlePolicy) {
  function window(scope: ThrottleScope, what: string): Window {
    const { prefix, rule } = SCOPES[scope];
    return { scope, key: `${prefix}:${what}`, rule: policy[rule] };
  }

  return {
    /** A known browser has a window of its own, in place of the other three. */
    login({ account, ip, deviceId }: LoginTarget): Window[] {
      if (deviceId !== null) return [window('device', deviceId)];
      const client = clientKey(ip);
      return [window('account_client', `${account}:${client}`), window('client', client), window('account', account)];
    },

    register: (ip: string | null) => [window('register', clientKey(ip))],
    passwordChange: (userId: string) => [window('password_change', userId)],
    mail: ({ address, ip }: { address: string; ip: string | null }) => [
      window('mailbox', address),
      window('mail_client', clientKey(ip)),
    ],
    token: (ip: string | null) => [window('token', clientKey(ip))],
    /** Here too, so that strangers who know the password can't keep the owner out. */
    secondFactor: (userId: string, deviceId: string | null) => [
      window('second_factor', deviceId === null ? userId : `${userId}:${deviceId}`),
    ],

    /** The window that a record names; null for a kind that this version doesn't know. */
    ofKey(key: string): Window | null {
      const prefix = key.slice(0, key.indexOf(':'));
      const scope = (Object.keys(SCOPES) as ThrottleScope[]).find((one) => SCOPES[one].prefix === prefix);
      return scope ? { scope, key, rule: policy[SCOPES[scope].rule] } : null;
    },

    /** How far back a record can matter. */
    longestMs: Math.max(...Object.values(SCOPES).map(({ rule }) => policy[rule].windowMs)),
    /** The same of a log-in, apart from its account's window. */
    longestOfClientMs: Math.max(policy.accountClient.windowMs, policy.client.windowMs, policy.device.windowMs),
    accountMs: policy.account.windowMs,
    longestBlockMs: policy.blockLongestMs,
  };
}
