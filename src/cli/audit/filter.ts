// The filter of `audit export` and `audit tail`, from what was typed.
import ipaddr from 'ipaddr.js';
import { validate } from 'uuid';
import { canonicalAddress } from '../../core/audit/canonical-event.ts';
import { type AuditFilter, EVERY_EVENT } from '../../core/audit/reading/query.ts';
import { UsageError } from '../terminal/errors.ts';
import { noAccount } from '../users/find.ts';

export interface FilterOptions {
  readonly type: readonly string[];
  readonly notType: readonly string[];
  readonly outcome?: string;
  readonly person?: string;
  readonly actor?: string;
  readonly session?: string;
  readonly request?: string;
  readonly address?: string;
  readonly since?: Date;
  readonly until?: Date;
  readonly text?: string;
  readonly unusual?: boolean;
}

interface Accounts {
  findByEmail(email: string): Promise<{ readonly id: string } | null>;
}

/** Throws at a value that can match nothing: the log would look empty. */
export async function readFilter(options: FilterOptions, users: Accounts): Promise<AuditFilter> {
  const { since, until } = options;
  if (since && until && since >= until) throw new UsageError('--since must be before --until: no event lies between.');
  const idOf = async (who: string | undefined) => {
    if (who === undefined || validate(who)) return who?.toLowerCase() ?? null;
    const user = await users.findByEmail(who);
    if (!user) throw noAccount(who);
    return user.id;
  };
  if (options.session !== undefined && !validate(options.session))
    throw new UsageError(`${options.session} is no session's id.`);
  return {
    ...EVERY_EVENT,
    types: options.type.length > 0 ? options.type : null,
    notTypes: options.notType.length > 0 ? options.notType : null,
    outcome: options.outcome ?? null,
    person: await idOf(options.person),
    actor: await idOf(options.actor),
    session: options.session?.toLowerCase() ?? null,
    request: options.request ?? null,
    address: addressOf(options.address),
    from: options.since ?? null,
    to: options.until ?? null,
    text: options.text ?? null,
    unusual: options.unusual ? true : null,
  };
}

function addressOf(typed: string | undefined): string | null {
  if (typed === undefined) return null;
  const known = typed.includes('/') ? ipaddr.isValidCIDR(typed) : ipaddr.isValid(typed);
  if (!known) throw new UsageError(`${typed} is no IP address and no network.`);
  if (!typed.includes('/')) return canonicalAddress(typed);
  const [address, bits] = ipaddr.parseCIDR(typed);
  const network = address.kind() === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6;
  return `${network.networkAddressFromCIDR(`${address}/${bits}`)}/${bits}`;
}
