// E-mail addresses as they are kept and compared: what browsers take by the HTML standard ("valid e-mail address") within
// the lengths of RFC 5321, and domains of every script, which are compared in their ASCII form (UTS #46).
import { domainToASCII } from 'node:url';

const MAX_LENGTH = 254;
const MAX_LOCAL_LENGTH = 64;
/** Of what is looked at, as other forms of a long text are dear. Letters compose to a quarter of their length at most. */
const MAX_TYPED_LENGTH = 4 * MAX_LENGTH;
const LOCAL = /^[a-z0-9.!#$%&'*+/=?^_`{|}~-]+$/i;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** Letters of any script, joiners and the dots of UTS #46: a URL would read anything else in its own way. */
const DOMAIN = /^(?:[\p{L}\p{M}\p{N}·・.。．｡-]|\u200c|\u200d)+$/u;

/** The address as it is kept, or null if it is none. */
export function readEmail(text: string): string | null {
  const typed = text.trim();
  if (typed.length > MAX_TYPED_LENGTH) return null;
  const [local, domain] = partsOf(typed.normalize('NFC'));
  const ascii = asciiDomain(domain);
  if (!LOCAL.test(local) || local.length > MAX_LOCAL_LENGTH || ascii === null) return null;
  return local.length + 1 + ascii.length > MAX_LENGTH ? null : `${local}@${domain}`;
}

/** What all spellings of an address have in common. What is no address is only like itself. */
export function emailKey(email: string): string {
  const typed = email.trim();
  if (typed.length > MAX_TYPED_LENGTH) return typed.toLowerCase();
  const text = typed.normalize('NFC');
  const [local, domain] = partsOf(text);
  const ascii = asciiDomain(domain);
  return ascii === null ? text.toLowerCase() : `${local.toLowerCase()}@${ascii}`;
}

function partsOf(text: string): [string, string] {
  const at = text.lastIndexOf('@');
  return [text.slice(0, Math.max(0, at)), text.slice(at + 1)];
}

/** A domain of two labels or more in lower case and ASCII, or null. One that ends in a number would be an IPv4 address to a URL. */
function asciiDomain(domain: string): string | null {
  if (domain.length > MAX_LENGTH || !DOMAIN.test(domain)) return null;
  if (/(?:^|[.。．｡])\p{N}+$/u.test(domain)) return null;
  const ascii = domainToASCII(domain);
  const labels = ascii.split('.');
  return labels.length > 1 && labels.every((label) => LABEL.test(label)) ? ascii : null;
}
