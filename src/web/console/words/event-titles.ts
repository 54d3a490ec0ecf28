// Every type of event in words, for rows, filters and headings; the code stands small beside it.
import { AUDIT_EVENTS, type AuditEventType } from '../../../core/audit/events.ts';

const TITLES: Readonly<Record<AuditEventType, string>> = {
  authn_login_success: 'Logged in',
  authn_login_fail: 'Log-in refused',
  authn_second_factor_asked: 'Second factor asked for',
  authn_waiting_ended: 'Waiting log-ins ended',
  authn_factor_added: 'Second factor added',
  authn_factor_renamed: 'Passkey renamed',
  authn_factor_removed: 'Second factor removed',
  authn_recovery_codes_made: 'New recovery codes',
  authn_recovery_codes_kept: 'Recovery codes kept',
  authn_confirm_success: 'Identity confirmed',
  authn_confirm_fail: 'Confirmation refused',
  authn_password_change: 'Password changed',
  authn_password_change_fail: 'Password change refused',
  authn_password_unchecked: 'Password not checked for breaches',
  authn_password_rehashed: 'Password hash renewed',
  authn_password_reset_request: 'Password link asked for',
  authn_password_reset: 'Password chosen by link',
  authn_password_reset_fail: 'Password link refused',
  authn_login_disowned: 'Log-in disowned',
  authn_new_device: 'New browser or network',
  excess_rate_limit_exceeded: 'Too many attempts',
  throttle_block_ended: 'Block ran out',
  throttle_block_lifted: 'Block lifted',
  authn_password_spraying: 'One client tried many accounts',
  authn_credential_stuffing: 'Many clients tried many accounts',
  session_created: 'Session began',
  session_ended: 'Session ended',
  sessions_all_end_asked: 'End of all sessions ordered',
  sessions_all_ended: 'All sessions ended',
  application_entered: 'Entered an application',
  session_expired: 'Session expired',
  user_registration_asked: 'Account asked for',
  user_confirm_fail: 'Account link refused',
  user_invited: 'Somebody invited',
  user_invitation_revoked: 'Invitation revoked',
  known_devices_forgotten: 'Known browsers forgotten',
  user_email_change_asked: 'New e-mail address asked for',
  user_email_change_taken_back: 'New e-mail address taken back',
  user_email_changed: 'E-mail address changed',
  user_email_change_undone: 'E-mail address taken back',
  user_email_change_fail: 'E-mail address link refused',
  user_created: 'Account created',
  user_language_changed: 'Language chosen',
  user_disabled: 'Account disabled',
  user_enabled: 'Account enabled',
  personal_data_erased: 'Personal data erased',
  user_deleted: 'Account deleted',
  user_data_exported: 'Own data downloaded',
  privilege_permissions_changed: 'Role changed',
  group_created: 'Group created',
  group_removed: 'Group removed',
  group_member_added: 'Added to a group',
  group_member_removed: 'Left a group',
  application_registered: 'Application registered',
  application_changed: 'Application changed',
  application_removed: 'Application removed',
  authz_fail: 'Access refused',
  malicious_csrf: 'Form refused',
  malicious_direct_reference: 'Session of somebody else named',
  malicious_host: 'Wrong host asked for',
  sensitive_read: 'Data of a person looked at',
  audit_export_begun: 'Export of the log began',
  audit_export: 'Log exported',
  mail_failed: 'Mail failed',
  sys_startup: 'Process started',
  sys_shutdown: 'Process stopped',
  sys_cleanup: 'Expired rows deleted',
  sys_audit_key: 'New key for checkpoints',
  sys_assertion_key: 'Key for applications',
  sys_audit_altered: 'Log found altered',
  sys_audit_loss_accepted: 'Loss of the log accepted',
  sys_database_rewound: 'PostgreSQL went back in time',
  sys_database_loss_accepted: 'Loss of PostgreSQL accepted',
  sys_audit_dropped: 'Month of the log dropped',
  sys_made_up_events: 'Made-up events added',
};

export const KNOWN_TYPES: ReadonlySet<string> = new Set(Object.keys(TITLES));

export const TYPE_GROUPS = Object.entries(AUDIT_EVENTS).map(([group, events]) => ({
  group,
  label: `${group.charAt(0).toUpperCase()}${group.slice(1)}`,
  types: Object.keys(events).map((name) => ({ name, title: titleOf(name) })),
}));

/** A type that another version recorded has its code alone. */
export function titleOf(type: string): string {
  return KNOWN_TYPES.has(type) ? TITLES[type as AuditEventType] : type;
}

/** Of a filter: a type, or a whole group. */
export function filterTitle(type: string): string {
  const group = TYPE_GROUPS.find((one) => one.group === type);
  return group ? `all of ${group.label}` : titleOf(type);
}
