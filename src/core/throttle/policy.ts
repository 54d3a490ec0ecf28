// What the throttle allows: numbers that an operator may choose. docs/security.md gives the reasons.

/** So many attempts pass freely, each further one is followed by a block, and no more than the limit pass in any window. */
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
  /** The first block lasts so long, the next twice as long, up to the longest. */
  readonly blockFirstMs: number;
  readonly blockLongestMs: number;
  /** An event tells of a client that failed at so many accounts within an hour, */
  readonly sprayingAccounts: number;
  /** and of so many clients that failed at as many accounts. */
  readonly stuffingClients: number;
  readonly deviceRetentionMs: number;
}
