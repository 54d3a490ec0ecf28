// The windows that an attempt counts in: the name of each in Redis, and its rule. The first is the attempt's own.
import ipaddr from 'ipaddr.js';
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

/**
 * Where somebody proves to be an account's owner: at a log-in, from a new browser (null) or a known one; to confirm it where
 * they are logged in; or beside a link, to take an account back.
 */
export type FactorPlace = null | { readonly deviceId: string } | 'confirm' | 'link';

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
    secondFactor: (userId: string, place: FactorPlace) => [
      window(
        'second_factor',
        place === null ? userId : `${userId}:${typeof place === 'string' ? place : place.deviceId}`,
      ),
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

/** What counts as one client: an IPv4 address, or the /64 of an IPv6 address, which one subscriber has whole. */
export function clientKey(ip: string | null): string {
  if (ip === null || !ipaddr.isValid(ip)) return 'unknown';
  const address = ipaddr.process(ip);
  if (address instanceof ipaddr.IPv4) return address.toString();
  return `${address.parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`;
}
