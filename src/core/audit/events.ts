// The closed list of what the audit log can record, and the shape of an event before it is sealed.
// Names are those of the OWASP Logging Vocabulary where it has one.

/** Every type of event, by group, with its meaning. */
export const AUDIT_EVENTS = {
  authentication: {
    authn_login_success: 'Somebody logged in; the detail says what was unusual for them.',
    authn_login_fail: 'A log-in was refused.',
    authn_second_factor_asked: 'The password was right; the log-in waits for the second factor.',
    authn_waiting_ended: 'Log-ins that waited for their second factor ended with the sessions of the account.',
    authn_factor_added: 'A second factor was set up.',
    authn_factor_renamed: 'A passkey was renamed.',
    authn_factor_removed: 'A second factor was removed.',
    authn_recovery_codes_made: 'New recovery codes replaced the old ones.',
    authn_recovery_codes_kept: 'The owner of new recovery codes said that they are kept: they are shown no longer.',
    authn_confirm_success: 'Somebody logged in confirmed who they are; a new session replaced the old one.',
    authn_confirm_fail: 'A confirmation was refused.',
    authn_password_change: 'A password was changed by its owner.',
    authn_password_change_fail: 'A change of password was refused.',
    authn_password_unchecked: 'The breach service did not answer about a new password, which was accepted without it.',
    authn_password_rehashed: 'The hash of a password was renewed at a log-in, at the cost that is configured now.',
    authn_password_reset_request: 'A link to choose a new password was requested, or sent by an operator.',
    authn_password_reset: 'A new password was chosen by a one-time link; every session ended.',
    authn_password_reset_fail: 'A link to choose a new password was tried, but is not valid.',
    authn_login_disowned:
      'The owner disowned a log-in. By a mailed link: every session ended, and the password is no longer valid. On the page of their activity: every other session ended. A failure: the link was not valid, or the former password was wrong.',
    authn_new_device: 'An account was used from a browser or a network that is new to it.',
  },
  throttle: {
    excess_rate_limit_exceeded: 'There were too many attempts: further ones are refused for a while.',
    throttle_block_ended: 'A block that had refused attempts expired; the detail counts them.',
    throttle_block_lifted: 'An operator ended a block early.',
    authn_password_spraying: 'One client failed to log in to many accounts.',
    authn_credential_stuffing: 'Many clients failed to log in to many accounts.',
  },
  sessions: {
    session_created: 'A session began.',
    session_ended:
      'A session was ended by a log-out, its owner, an operator, a change to the account, or one session too many.',
    sessions_all_end_asked: 'An operator ended everybody’s sessions: none that began before is valid.',
    sessions_all_ended: 'The last of everybody’s sessions was ended in the stores; the detail counts them.',
    session_expired: 'A session was idle for too long, or reached its absolute lifetime.',
    application_entered: 'Somebody entered an application: a session there began, which ends with the one it hangs on.',
  },
  accounts: {
    user_registration_asked: 'Somebody asked for an account; it is created when the mailed link is confirmed.',
    user_confirm_fail: 'A link to confirm an e-mail address was tried, but is not valid, or the password was wrong.',
    user_invited: 'An operator invited somebody; the subject is the account that it may become.',
    user_invitation_revoked: 'An operator revoked an invitation that nobody had accepted.',
    known_devices_forgotten: 'An account forgot browsers that it knew; the detail counts them.',
    user_email_change_asked: 'The owner of an account asked to change its e-mail address.',
    user_email_change_taken_back:
      'The owner of an account took back a change of its e-mail address that was not confirmed.',
    user_email_changed: 'The new e-mail address of an account was confirmed; every session ended.',
    user_email_change_undone:
      'The former e-mail address took the account back; every session ended, and the password is no longer valid.',
    user_email_change_fail: 'A link to change an e-mail address, or to undo that, was tried, but is not valid.',
    user_created: 'An account was created.',
    people_imported:
      'People were taken over from another system, by a file or at a log-in; each has an event of their own.',
    people_exported:
      'Every account was written to a file on the command line; the detail says whether with the hashes of passwords.',
    user_language_changed: 'Somebody chose the language of their account and its mails.',
    user_disabled: 'An account was disabled; its sessions and API tokens ended.',
    user_enabled: 'A disabled account was enabled.',
    user_secured:
      'An operator secured an account: its sessions ended, its password is no longer valid, its known browsers were forgotten, its API tokens revoked, and its owner was told by mail. The detail counts them and says whether the second factors stayed.',
    users_secure_asked:
      'An operator ordered the accounts of a part of the log to be secured; the detail has the filter and counts them. Each then has an event of its own.',
    users_secured: 'The last account of such an order was secured; the detail counts them.',
    personal_data_erased:
      'The IP addresses and browsers of a person were erased from the log and the records; the detail counts the events.',
    user_deleted: 'An account was deleted by its owner, an operator or the command line; its sessions ended.',
    user_data_exported: 'Somebody downloaded the data of their account.',
    privilege_permissions_changed: 'The role of an account was changed.',
  },
  applications: {
    group_created: 'A group was created.',
    group_removed: 'A group was removed; the detail says which applications its members could enter by it.',
    group_member_added: 'Somebody became a member of a group.',
    group_member_removed: 'Somebody left a group, or the group was removed, or their account was deleted.',
    application_registered: 'An application was registered; the detail has its settings.',
    application_changed:
      'An application was changed, disabled or enabled; the detail has what changed, before and after.',
    application_removed: 'An application was removed; its sessions ended.',
  },
  access: {
    authz_fail: 'Somebody asked for something that they may not see or do; further times are counted by a block.',
    malicious_csrf:
      'A form was refused because it was not sent by a page of ours, or no longer fits the session; further times are counted by a block.',
    malicious_direct_reference:
      'Somebody named a session of somebody else as if it were their own; nothing was done. Counted as above.',
    malicious_host: 'A request for another host was refused. Counted as above.',
    sensitive_read:
      'An operator looked at the data of a person; or an auditor, or a program with an auditor’s token, looked at anything.',
    api_token_created: 'An operator made a token by which a program reads the audit log for the subject.',
    api_token_revoked:
      'Such a token was revoked by an operator or its owner, or ended because the owner lost the role or the account was taken back.',
    api_token_refused: 'A request to read the log came with a token that is not good.',
    audit_export_begun: 'An export of the log began; the detail has the filter and the format.',
    audit_export:
      'An export of the log ended; the detail counts its events. A failure: it broke off, and its file is not whole.',
  },
  mail: {
    mail_failed: 'A mail could not be sent; it is not retried.',
  },
  system: {
    sys_startup: 'A process of Holdfast started.',
    sys_shutdown: 'A process of Holdfast stopped as asked.',
    sys_cleanup: 'Expired rows were deleted.',
    sys_audit_key: 'Another key signs the checkpoints of the log from now on; the detail has its public part.',
    sys_assertion_key:
      'A key that signs what applications are told was made, signs from now on, signs no more, was deleted, or was taken away by an operator; the detail says which.',
    sys_audit_rewound:
      'The worker found that the log has lost events in a failover of PostgreSQL, and signed no checkpoint.',
    sys_audit_altered:
      'The worker found that the log was altered, or is not the one that it knew, and signed no checkpoint.',
    sys_audit_loss_accepted:
      'Somebody with the signing key accepted that part of the log was lost or rewritten; the detail says from which number on, and why.',
    sys_database_rewound:
      'PostgreSQL went back in time: Redis knew sessions, or the end of sessions, that it has not. The detail says what showed it.',
    sys_database_loss_accepted:
      'An operator accepted that PostgreSQL went back in time; the detail says why, and how many sessions were ended again.',
    sys_audit_dropped:
      'A month of the log was past its retention and was dropped; the detail has its first and last number.',
    sys_drain_set: 'A worker began to send the log to a receiver, or to another place than before.',
    sys_drain_paused: 'The log is no longer sent to a receiver, until that is resumed.',
    sys_drain_resumed: 'The log is sent to a receiver again.',
    sys_drain_rewound: 'The log is sent to a receiver again from an earlier event on.',
    sys_drain_gap:
      'A month of the log was dropped before a receiver had all of its events; the detail has their numbers.',
    sys_drain_forgotten: 'A receiver that the log is no longer sent to was taken off the list.',
    sys_alert_told:
      'The worker told an alert; the detail has its rule, the event that it is about, and how many mails and whether a webhook were written.',
    sys_alert_failed: 'An alert did not reach the webhook for a week, and is not sent again.',
    sys_alert_changed:
      'An operator changed whether an alert is told, or to whom; the detail has both, before and after.',
    sys_alert_tested: 'Somebody had a test sent to whoever gets an alert.',
    sys_alert_webhook: 'A worker posts alerts to another webhook from now on, or to none; the detail has its origin.',
    sys_trouble_began:
      'The worker found that sealing is behind, that mail fails, or that its configuration is weak; the detail says which.',
    sys_trouble_ended: 'Such trouble is over; the detail says since when it lasted.',
    sys_made_up_events: 'Made-up events were added to try Holdfast out; the detail of each says so.',
  },
} as const satisfies Record<string, Record<string, string>>;

type Groups = typeof AUDIT_EVENTS;
export type AuditEventType = { [Group in keyof Groups]: keyof Groups[Group] }[keyof Groups] & string;

/** The worker repeats the end of a session in Redis when it seals one of these. */
export const ENDING_EVENTS: ReadonlySet<string> = new Set<AuditEventType>(['session_ended', 'session_expired']);

export type Outcome = 'success' | 'failure';
export type Detail = Readonly<Record<string, string | number | boolean | null>>;

/** Where a request came from. */
export interface Origin {
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly requestId: string | null;
  /** Of a command instead of a request: who gave it, and why. Stands in the detail of every event that it leaves. */
  readonly command?: { readonly user: string; readonly host: string; readonly reason: string };
}

export const NO_ORIGIN: Origin = { ip: null, userAgent: null, requestId: null };

/** An event as its recorder gives it; id and time are added. */
export interface NewAuditEvent {
  /** A UUIDv7, where the caller needs it beforehand. */
  readonly id?: string;
  readonly type: AuditEventType;
  readonly outcome: Outcome;
  /** The account that did it, if known. */
  readonly actor: string | null;
  /** The account it was done to. */
  readonly subject: string | null;
  readonly session?: string | null;
  readonly origin: Origin;
  /** Never a password, a token, a cookie or an address as typed. */
  readonly detail?: Detail;
}

/** What the record of a log-in attempt holds besides its event. */
export interface AttemptNote {
  /** The keyed hash of the address as typed, base64url. */
  readonly identifierHash: string;
  /** The known browser that it came from. */
  readonly device?: string | null;
}

/** What the record of a block holds besides its event. */
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
  readonly session?: string | null;
  /** In the operator's words; recorded. */
  readonly reason?: string;
  /** The version of the account that was shown: if it has another by now, nothing is done. */
  readonly seen?: number;
}
