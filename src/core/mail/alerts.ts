// The closed list of alerts, and what each message of one holds.

/** The closed list of rules. */
export const ALERT_RULES = [
  'new_operator',
  'new_auditor',
  'new_api_token',
  'operator_factor_removed',
  'spraying',
  'stuffing',
  'account_failures',
  'log_contradicted',
  'database_rewound',
  'sealing_behind',
  'mail_failing',
  'weak_configuration',
  'alerts_changed',
] as const;
export type AlertRule = (typeof ALERT_RULES)[number];

/** What is weak about the settings of a worker, or about its rights. */
export const WEAKNESSES = [
  'no_second_factor',
  'no_https',
  'no_signing_key',
  'no_mail',
  'mail_in_the_clear',
  'needless_secrets',
  'database_rights',
] as const;
export type Weakness = (typeof WEAKNESSES)[number];

/** `more`: how often it happened since it was told. `over`: trouble has ended. */
export type AlertPhase = 'first' | 'more' | 'over' | 'test';

/** Numbers, addresses and words of our own: never what a visitor typed. */
export type AlertFacts = Readonly<Record<string, string | number>>;

export interface ToldAlert {
  readonly rule: AlertRule;
  readonly phase: AlertPhase;
  /** Since it was told last. */
  readonly count: number;
  /** ISO 8601, of the newest. */
  readonly at: string;
  /** Of the newest event; null for trouble, which is no event. */
  readonly seq: number | null;
  readonly facts: AlertFacts;
}
