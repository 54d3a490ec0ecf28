// What each type of event is to the two schemas that other tools read: a category and types of ECS, a class and an activity of
// OCSF. A type that is not named here, as one of a newer version, has what its group has.
import { AUDIT_EVENTS, type AuditEventType } from '../../audit/events.ts';

export interface Meaning {
  /** `event.category` of ECS; none fits some. */
  readonly category: string | null;
  /** `event.type` of ECS. */
  readonly types: readonly string[];
  readonly class: OcsfClass;
  /** `activity_id` of that class; 99 is "other", under our own name. */
  readonly activity: number;
  /** What is managed, in Entity Management. */
  readonly entity?: string;
}

/** `class_uid` by name. */
export const CLASSES = {
  'Base Event': 0,
  'Account Change': 3_001,
  Authentication: 3_002,
  'Entity Management': 3_004,
} as const;
export type OcsfClass = keyof typeof CLASSES;

const OTHER = 99;
const LOGON = 1;
const LOGOFF = 2;
const [CREATE, READ, UPDATE, DELETE, SUSPEND, RESUME] = [1, 2, 3, 4, 12, 13];

const authentication = (activity: number, ...types: string[]): Meaning => ({
  category: 'authentication',
  types,
  class: 'Authentication',
  activity,
});
const session = (activity: number, type: string): Meaning => ({
  ...authentication(activity, type),
  category: 'session',
});
const account = (activity: number, ...types: string[]): Meaning => ({
  category: 'iam',
  types: ['user', ...types],
  class: 'Account Change',
  activity,
});
const ACCOUNT = {
  create: 1,
  enable: 2,
  password: 3,
  reset: 4,
  disable: 5,
  remove: 6,
  factor: 10,
  noFactor: 11,
} as const;
const entity = (activity: number, what: string, category: string, ...types: string[]): Meaning => ({
  category,
  types,
  class: 'Entity Management',
  activity,
  entity: what,
});
const base = (category: string | null, ...types: string[]): Meaning => ({
  category,
  types,
  class: 'Base Event',
  activity: OTHER,
});

const OF_GROUPS: Readonly<Record<keyof typeof AUDIT_EVENTS, Meaning>> = {
  authentication: authentication(OTHER, 'info'),
  throttle: base('intrusion_detection', 'info'),
  sessions: session(OTHER, 'info'),
  accounts: account(OTHER, 'change'),
  applications: entity(UPDATE, 'Application', 'configuration', 'change'),
  access: base('web', 'denied'),
  mail: base('email', 'error'),
  system: base(null, 'info'),
};

const OF_TYPES: Readonly<Partial<Record<AuditEventType, Meaning>>> = {
  authn_login_success: authentication(LOGON, 'start'),
  authn_login_fail: authentication(LOGON, 'start'),
  authn_second_factor_asked: authentication(6, 'info'),
  authn_factor_added: account(ACCOUNT.factor, 'change'),
  authn_factor_renamed: account(OTHER, 'change'),
  authn_factor_removed: account(ACCOUNT.noFactor, 'change'),
  authn_recovery_codes_made: account(OTHER, 'change'),
  authn_recovery_codes_kept: account(OTHER, 'info'),
  authn_password_change: account(ACCOUNT.password, 'change'),
  authn_password_change_fail: account(ACCOUNT.password, 'change'),
  authn_password_rehashed: account(OTHER, 'info'),
  authn_password_unchecked: account(OTHER, 'info'),
  authn_password_reset_request: account(OTHER, 'info'),
  authn_password_reset: account(ACCOUNT.reset, 'change'),
  authn_password_reset_fail: account(ACCOUNT.reset, 'change'),
  excess_rate_limit_exceeded: base('intrusion_detection', 'denied'),
  session_created: session(OTHER, 'start'),
  session_ended: session(LOGOFF, 'end'),
  session_expired: session(LOGOFF, 'end'),
  sessions_all_ended: session(OTHER, 'end'),
  user_created: account(ACCOUNT.create, 'creation'),
  user_enabled: account(ACCOUNT.enable, 'change'),
  user_disabled: account(ACCOUNT.disable, 'change'),
  user_secured: account(ACCOUNT.reset, 'change'),
  user_deleted: account(ACCOUNT.remove, 'deletion'),
  user_data_exported: entity(READ, 'User', 'iam', 'user', 'access'),
  user_invited: entity(CREATE, 'Invitation', 'iam', 'user', 'creation'),
  user_invitation_revoked: entity(DELETE, 'Invitation', 'iam', 'user', 'deletion'),
  people_exported: entity(READ, 'Users', 'iam', 'user', 'access'),
  people_imported: entity(CREATE, 'Users', 'iam', 'user', 'creation'),
  group_created: entity(CREATE, 'Group', 'iam', 'group', 'creation'),
  group_removed: entity(DELETE, 'Group', 'iam', 'group', 'deletion'),
  group_member_added: entity(UPDATE, 'Group', 'iam', 'group', 'change'),
  group_member_removed: entity(UPDATE, 'Group', 'iam', 'group', 'change'),
  application_registered: entity(CREATE, 'Application', 'configuration', 'creation'),
  application_removed: entity(DELETE, 'Application', 'configuration', 'deletion'),
  sensitive_read: entity(READ, 'User', 'iam', 'user', 'access'),
  api_token_created: entity(CREATE, 'API token', 'iam', 'user', 'creation'),
  api_token_revoked: entity(DELETE, 'API token', 'iam', 'user', 'deletion'),
  audit_export_begun: entity(READ, 'Audit log', 'file', 'access'),
  audit_export: entity(READ, 'Audit log', 'file', 'access'),
  sys_startup: base('process', 'start'),
  sys_shutdown: base('process', 'end'),
  sys_audit_key: entity(UPDATE, 'Signing key', 'configuration', 'change'),
  sys_assertion_key: entity(UPDATE, 'Signing key', 'configuration', 'change'),
  sys_audit_dropped: entity(DELETE, 'Audit log', 'file', 'deletion'),
  sys_drain_set: entity(UPDATE, 'Log receiver', 'configuration', 'change'),
  sys_drain_paused: entity(SUSPEND, 'Log receiver', 'configuration', 'change'),
  sys_drain_resumed: entity(RESUME, 'Log receiver', 'configuration', 'change'),
  sys_drain_rewound: entity(UPDATE, 'Log receiver', 'configuration', 'change'),
  sys_drain_forgotten: entity(DELETE, 'Log receiver', 'configuration', 'deletion'),
  sys_alert_changed: entity(UPDATE, 'Alert', 'configuration', 'change'),
  sys_alert_webhook: entity(UPDATE, 'Alert', 'configuration', 'change'),
};

const BY_TYPE: ReadonlyMap<string, Meaning> = new Map(
  Object.entries(AUDIT_EVENTS).flatMap(([group, events]) =>
    Object.keys(events).map((type) => [
      type,
      OF_TYPES[type as AuditEventType] ?? OF_GROUPS[group as keyof typeof AUDIT_EVENTS],
    ]),
  ),
);

export function meaningOf(type: string): Meaning {
  return BY_TYPE.get(type) ?? OF_GROUPS.system;
}

/** Somebody should look at these without being asked. OCSF: high; syslog: alert. */
export const GRAVE: ReadonlySet<string> = new Set<AuditEventType>([
  'authn_password_spraying',
  'authn_credential_stuffing',
  'authn_login_disowned',
  'sys_audit_altered',
  'sys_audit_rewound',
  'sys_database_rewound',
  'sys_drain_gap',
]);
