// The closed list of what the audit log can tell, and the shape of an event before it is sealed.
// Names are those of the OWASP Logging Vocabulary where it has one.

/** Every type of event, by group, with what it tells. */
export const AUDIT_EVENTS = {
  authentication: {
    authn_login_success: 'Somebody logged in.',
    authn_login_fail: 'A log-in was refused.',
    authn_second_factor_asked: 'A right password was given; the log-in waits for the second factor.',
    authn_factor_added: 'A second factor was set up.',
    authn_factor_renamed: 'A passkey was given another name.',
    authn_factor_removed: 'A second factor was removed.',
    authn_recovery_codes_made: 'New recovery codes took the place of the old ones.',
    authn_confirm_success:
      'Somebody who was logged in proved again who they are; a new session took the place of the old one.',
    authn_confirm_fail: 'A confirmation was refused.',
    authn_password_change: 'A password was changed by its owner.',
    authn_password_change_fail: 'A change of password was refused.',
    authn_password_unchecked:
      'The breach service gave no answer on a new password, which was let through as far as it is concerned.',
    authn_password_rehashed: 'The hash of a password was renewed at a log-in, at the cost that is set now.',
    authn_password_reset_request: 'A link to choose a new password was asked for, or sent by an operator.',
    authn_password_reset: 'A password was chosen anew by a one-time link; every session ended.',
    authn_password_reset_fail: 'A link to choose a new password was tried that does not count.',
    authn_login_disowned:
      'The owner said of a log-in, by the link in the mail about it, that it was not theirs; its session ended.',
    authn_new_device: 'An account was used from a browser or a network that it had not been used from before.',
  },
  throttle: {
    excess_rate_limit_exceeded: 'Too many attempts: further ones are refused for a while.',
    throttle_block_ended: 'A block that had refused attempts ran out; the detail counts them.',
    throttle_block_lifted: 'An operator ended a block before its time.',
    authn_password_spraying: 'One client failed to log in to many accounts.',
    authn_credential_stuffing: 'Many clients failed to log in to many accounts.',
  },
  sessions: {
    session_created: 'A session began.',
    session_ended: 'A session was ended: by logging out, by its owner, by an operator, or by a change to the account.',
    sessions_all_end_asked: 'Everybody’s sessions were ended by an operator: none that began before counts any more.',
    sessions_all_ended: 'The last of everybody’s sessions was ended in the stores too; the detail counts them.',
    session_expired: 'A session ended because it was not used, or because it had reached its absolute lifetime.',
  },
  accounts: {
    user_registration_asked: 'Somebody asked for an account; it is made when the mailed link is confirmed.',
    user_confirm_fail: 'A link to confirm an address was tried that does not count, or with a wrong password.',
    user_invited: 'An operator invited somebody to an account.',
    known_devices_forgotten: 'Every browser that was known to an account became a stranger to it.',
    user_email_change_asked: 'The owner of an account asked to use another address.',
    user_email_changed: 'The new address was confirmed and is the account’s; every session ended.',
    user_email_change_undone:
      'The former address took the account back; every session ended, and the password no longer counts.',
    user_email_change_fail: 'A link to change an address, or to take it back, was tried that does not count.',
    user_created: 'An account was made.',
    user_language_changed: 'Somebody chose the language of their account, in which its mails are written.',
    user_disabled: 'An account was disabled; its sessions ended.',
    user_enabled: 'A disabled account was enabled again.',
    personal_data_erased:
      'The addresses and browsers of a person were taken out of the log and of the records; the detail counts the events.',
    user_deleted: 'An account was deleted by its owner; its sessions ended.',
    user_data_exported: 'Somebody downloaded what is known of them.',
    privilege_permissions_changed: 'The role of an account was changed.',
  },
  access: {
    authz_fail: 'Somebody asked for what they may not see or do.',
    sensitive_read: 'An operator looked at what belongs to one person.',
    audit_export: 'Events of the log were exported; the detail has the filter and the format.',
  },
  mail: {
    mail_failed: 'A mail could not be sent and is not tried again.',
  },
  system: {
    sys_startup: 'A process of Holdfast began to serve.',
    sys_shutdown: 'A process of Holdfast stopped in order.',
    sys_cleanup: 'Rows that had served their time were deleted.',
    sys_audit_key: 'Checkpoints of the log are signed with another key from now on; the detail has its public part.',
    sys_audit_altered: 'The worker found the log altered, and signed no checkpoint.',
    sys_audit_dropped:
      'A month of the log had served its time and was dropped; the detail has its first and last number.',
    sys_made_up_events: 'Made-up events were added, to try Holdfast out; each of them has `made_up` in its detail.',
  },
} as const satisfies Record<string, Record<string, string>>;

type Groups = typeof AUDIT_EVENTS;
export type AuditEventType = { [Group in keyof Groups]: keyof Groups[Group] }[keyof Groups] & string;

/** The events that tell of a session's end; the worker repeats the end in Redis when it seals one. */
export const ENDING_EVENTS: ReadonlySet<string> = new Set<AuditEventType>(['session_ended', 'session_expired']);

export type Outcome = 'success' | 'failure';
export type Detail = Readonly<Record<string, string | number | boolean | null>>;

/** Where a request came from, as far as the log is concerned. */
export interface Origin {
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly requestId: string | null;
}

export const NO_ORIGIN: Origin = { ip: null, userAgent: null, requestId: null };

/** What a caller tells of an event; id and time are added when it is recorded. */
export interface NewAuditEvent {
  /** A UUIDv7, where the caller needs to know it beforehand. */
  readonly id?: string;
  readonly type: AuditEventType;
  readonly outcome: Outcome;
  /** The account that did it, if one is known. */
  readonly actor: string | null;
  /** The account it was done to. */
  readonly subject: string | null;
  readonly session?: string | null;
  readonly origin: Origin;
  /** Never a password, a token, a cookie or an address as typed. */
  readonly detail?: Detail;
}

/** What the login-attempt record needs beside its event: the keyed hash of what was typed, base64url. */
export interface AttemptNote {
  readonly identifierHash: string;
  /** The known browser that it came from. */
  readonly device?: string | null;
}

/** What the record of a block needs beside its event. */
export interface BlockNote {
  readonly id: string;
  readonly scope: string;
  readonly key: string;
  readonly failures: number;
  readonly lastsMs: number;
}

/** An event as it waits in the outbox. A newer version may add fields; they are kept. */
export interface OutboxEvent {
  readonly v: 1;
  readonly id: string;
  readonly occurredAt: string;
  readonly type: string;
  readonly outcome: Outcome;
  readonly actor: string | null;
  readonly subject: string | null;
  readonly session: string | null;
  readonly requestId: string | null;
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly detail: Detail;
}

/** Who changes an account, and from where. */
export interface Actor {
  readonly actor: string | null;
  readonly origin: Origin;
  /** The session that the operator acts in. */
  readonly session?: string | null;
  /** Why, in the operator's words: recorded. */
  readonly reason?: string;
  /** The account's version that the operator decided on: if it has another by now, nothing is done. */
  readonly seen?: number;
}
