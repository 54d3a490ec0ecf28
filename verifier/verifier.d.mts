export interface Person {
  /** Of the account, a UUID that never changes. */
  readonly id: string;
  readonly email: string;
  readonly groups: readonly string[];
  /** Its id; the same as long as this log-in at the application lasts. */
  readonly session: string;
  /** What was proved at the log-in (RFC 8176). */
  readonly methods: readonly string[];
  /** When that was. */
  readonly authenticatedAt: Date;
}

export interface VerifierOptions {
  /** Holdfast's PUBLIC_URL. */
  readonly issuer: string;
  /** The slug that the application is registered by. */
  readonly application: string;
  /** The time in milliseconds. */
  readonly now?: () => number;
}

/** A request of Node's or of the Fetch API. */
export interface Asked {
  readonly headers: Headers | Readonly<Record<string, string | string[] | undefined>>;
}

export function createVerifier(options: VerifierOptions): (request: Asked) => Promise<Person | null>;
