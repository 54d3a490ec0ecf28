// Which events of the log are worth an alert, and what happens again is folded by.
import type { AuditEventType } from '../audit/events.ts';
import type { AlertFacts, AlertRule } from '../mail/alerts.ts';

/** A sealed event, as rules look at it. */
export interface RuledEvent {
  readonly seq: number;
  readonly type: string;
  readonly subject: string | null;
  /** Whether the subject is an operator now. */
  readonly ofOperator: boolean;
  readonly ip: string | null;
  /** The client of `ip`: the address, or its IPv6 /64. */
  readonly client: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly occurredAt: Date;
}

export interface Ruled {
  readonly rule: AlertRule;
  /** What is folded within a window: an account, a client; empty for the whole. */
  readonly about: string;
  readonly facts: AlertFacts;
}

type Rule = (event: RuledEvent) => Ruled | null;

/** Roles that see the whole log. */
const SEEING: Readonly<Record<string, AlertRule>> = { operator: 'new_operator', auditor: 'new_auditor' };

const newRole: Rule = ({ subject, detail }) => {
  const rule = SEEING[text(detail['role'])];
  return rule === undefined ? null : { rule, about: subject ?? '', facts: {} };
};

/** Each is told: the second for one account may be what matters. */
const newToken: Rule = ({ detail }) => ({
  rule: 'new_api_token',
  about: text(detail['token']),
  facts: { days: number(detail['days']) },
});

/** Each change is told: the second of one rule may be what matters. */
const changed: Rule = ({ seq, detail }) => ({
  rule: 'alerts_changed',
  about: String(seq),
  facts: { rule: text(detail['rule']) },
});

const WINDOWS: Readonly<Record<string, string>> = { account: 'password', second_factor: 'code' };

const RULES: Readonly<Partial<Record<AuditEventType, Rule>>> = {
  privilege_permissions_changed: newRole,
  user_created: newRole,
  api_token_created: newToken,
  authn_factor_removed: ({ subject, ofOperator }) =>
    ofOperator ? { rule: 'operator_factor_removed', about: subject ?? '', facts: {} } : null,
  authn_password_spraying: ({ ip, client, detail }) => ({
    rule: 'spraying',
    about: client ?? '',
    facts: { ...(ip === null ? {} : { ip }), accounts: number(detail['accounts']) },
  }),
  authn_credential_stuffing: ({ detail }) => ({
    rule: 'stuffing',
    about: '',
    facts: { clients: number(detail['clients']), accounts: number(detail['accounts']) },
  }),
  // An address without an account has no subject: guessing at it wakes nobody.
  excess_rate_limit_exceeded: ({ subject, detail }) => {
    const what = WINDOWS[text(detail['scope'])];
    if (subject === null || what === undefined) return null;
    return { rule: 'account_failures', about: subject, facts: { what, failures: number(detail['failures']) } };
  },
  sys_audit_altered: () => ({ rule: 'log_contradicted', about: '', facts: { what: 'altered' } }),
  sys_audit_rewound: () => ({ rule: 'log_contradicted', about: '', facts: { what: 'rewound' } }),
  sys_database_rewound: () => ({ rule: 'database_rewound', about: '', facts: {} }),
  sys_alert_changed: changed,
};

export const RULED_TYPES: readonly string[] = [...Object.keys(RULES), 'sys_alert_tested'];

export function ruleOf(event: RuledEvent): Ruled | null {
  return RULES[event.type as AuditEventType]?.(event) ?? null;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
