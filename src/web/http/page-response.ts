// An answer that keeps its headers in two lists: those that all pages share, made once, and the few of its own. Node.js keeps a
// table of every answer's, one entry at a time, which costs more than a page's words. What a page sees is the same.
import {
  type IncomingMessage,
  type OutgoingHttpHeader,
  type OutgoingHttpHeaders,
  ServerResponse,
  validateHeaderValue,
} from 'node:http';

type Value = number | string | readonly string[];
type Named = readonly [name: string, value: OutgoingHttpHeader];
type Given = OutgoingHttpHeaders | OutgoingHttpHeader[];

/** Headers of many answers, as Node.js takes a list of them: names and values in turns. */
export interface SharedHeaders {
  readonly list: readonly string[];
  readonly byName: ReadonlyMap<string, Named>;
}

export function sharedHeaders(headers: readonly (readonly [string, string])[]): SharedHeaders {
  return { list: headers.flat(), byName: new Map(headers.map((one) => [one[0].toLowerCase(), one])) };
}

const NONE: SharedHeaders = { list: [], byName: new Map() };

export class PageResponse<Asked extends IncomingMessage = IncomingMessage> extends ServerResponse<Asked> {
  #shared = NONE;
  #own: Map<string, Named> | null = null;

  share(shared: SharedHeaders): void {
    this.#shared = shared;
  }

  override setHeader(name: string, value: Value): this {
    if (this.headersSent) return super.setHeader(name, value); // which throws
    const key = name.toLowerCase();
    const shared = this.#shared.byName.get(key);
    if (shared?.[1] === value) return this;
    if (shared) this.#separate();
    if (typeof value === 'string') validateHeaderValue(name, value);
    else if (typeof value === 'object') for (const one of value) validateHeaderValue(name, one);
    this.#own ??= new Map();
    this.#own.set(key, [name, value as OutgoingHttpHeader]);
    return this;
  }

  override appendHeader(name: string, value: string | readonly string[]): this {
    const before = this.getHeader(name);
    return this.setHeader(name, before === undefined ? value : [before, value].flat().map(String));
  }

  override getHeader(name: string): OutgoingHttpHeader | undefined {
    const key = name.toLowerCase();
    return (this.#own?.get(key) ?? this.#shared.byName.get(key))?.[1];
  }

  override hasHeader(name: string): boolean {
    return this.getHeader(name) !== undefined;
  }

  override getHeaderNames(): string[] {
    return [...this.#all().keys()];
  }

  /** As they were written: of every outgoing message, though the types have it of requests alone. */
  getRawHeaderNames(): string[] {
    return [...this.#all().values()].map(([name]) => name);
  }

  override getHeaders(): OutgoingHttpHeaders {
    const headers: OutgoingHttpHeaders = Object.create(null);
    for (const [key, [, value]] of this.#all()) headers[key] = value;
    return headers;
  }

  override removeHeader(name: string): void {
    super.removeHeader(name); // Node.js notes that it must not add it
    const key = name.toLowerCase();
    if (this.#shared.byName.has(key)) this.#separate();
    this.#own?.delete(key);
  }

  override writeHead(status: number, reason?: string | Given, headers?: Given): this {
    const given = typeof reason === 'object' ? reason : headers;
    if (typeof reason === 'string') this.statusMessage = reason;
    if (this.#own === null && this.#shared === NONE) return super.writeHead(status, given);
    for (const [name, value] of pairsOf(given)) this.setHeader(name, value);
    return super.writeHead(status, this.#list());
  }

  /** Makes the shared ones its own. */
  #separate(): void {
    this.#own = this.#all();
    this.#shared = NONE;
  }

  #all(): Map<string, Named> {
    return new Map([...this.#shared.byName, ...(this.#own ?? [])]);
  }

  #list(): OutgoingHttpHeader[] {
    const list: OutgoingHttpHeader[] = this.#shared.list.slice();
    if (this.#own) for (const [name, value] of this.#own.values()) list.push(name, value);
    return list;
  }
}

/** For an answer that has none of them yet; one of Node.js's own gets each by itself. */
export function shareHeaders(response: ServerResponse, shared: SharedHeaders): void {
  if (response instanceof PageResponse) response.share(shared);
  else for (const [name, value] of shared.byName.values()) response.setHeader(name, value);
}

/** Of a list of names and values in turns, or a table. */
function pairsOf(given: Given = []): Named[] {
  if (!Array.isArray(given))
    return Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  return given.flatMap((value, at) => (at % 2 === 1 ? [[String(given[at - 1]), value]] : []));
}
