// What the throttle allows, as operators may set it. docs/security.md gives the reasons.

/** `free` attempts pass, each further one begins a block, and never more than `limit` pass in a window. */
export interface ThrottleRule {
  readonly free: number;
  readonly limit: number;
  readonly windowMs: number;
}

export interface ThrottlePolicy {
  /** One account from one client (an IPv4 address, an IPv6 /64). */
  readonly accountClient: ThrottleRule;
  /** One client, whatever the account. */
  readonly client: ThrottleRule;
  /** One account, over all clients. */
  readonly account: ThrottleRule;
  /** One known browser on its own account, in place of the other three. */
  readonly device: ThrottleRule;
  /** Accounts made by one client. */
  readonly register: ThrottleRule;
  /** Wrong current passwords of one account. */
  readonly passwordChange: ThrottleRule;
  /** Mails asked for to one address, whoever asks. */
  readonly mailbox: ThrottleRule;
  /** Mails that one client asks for, to whatever address. */
  readonly mailClient: ThrottleRule;
  /** One-time links tried by one client. */
  readonly token: ThrottleRule;
  /** Wrong codes of one account's second factor. */
  readonly secondFactor: ThrottleRule;
  /** Successful log-ins, and other right proofs, of one account or one of its known browsers: `limit` alone counts. */
  readonly logins: ThrottleRule;
  /** What one session does that is recorded. */
  readonly acts: ThrottleRule;
  /** What one account asks for that it may not see or do: recorded one by one, then counted. */
  readonly forbidden: ThrottleRule;
  /** What one API token asks for, or one auditor looks at. */
  readonly api: ThrottleRule;
  /** How many times as much an IPv6 /56 may as a client, and a /48 as a /56. */
  readonly networkFactor: number;
  /** Each block lasts twice as long as the one before, up to the longest. */
  readonly blockFirstMs: number;
  readonly blockLongestMs: number;
  /** Accounts that one client fails at within an hour before an event tells of it. */
  readonly sprayingAccounts: number;
  /** Clients, and accounts that they fail at, before an event tells of it. */
  readonly stuffingClients: number;
  readonly deviceRetentionMs: number;
}
