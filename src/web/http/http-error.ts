/** A refusal by a page or middleware; `reason` is logged and picks the sentence. */
export class HttpError extends Error {
  readonly status: number;
  readonly reason: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, reason: string, headers: Readonly<Record<string, string>> = {}) {
    super(`${status} ${reason}`);
    this.status = status;
    this.reason = reason;
    this.headers = headers;
  }
}
