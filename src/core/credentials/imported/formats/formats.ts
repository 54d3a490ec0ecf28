// Every scheme, and how a text without a declared one is told.
import { ImportedHashFailure } from '../failure.ts';
import type { Recipe } from '../recipe.ts';
import { readAuth0 } from './auth0.ts';
import { dotnet } from './dotnet.ts';
import type { Given, Scheme } from './given.ts';
import { java } from './java/java.ts';
import { keycloak } from './java/keycloak.ts';
import { spring } from './java/spring.ts';
import { columns } from './node/columns.ts';
import { node } from './node/node.ts';
import { forums } from './php/forums.ts';
import { phpFrameworks } from './php/frameworks.ts';
import { mediawiki } from './php/mediawiki.ts';
import { phpass } from './php/phpass.ts';
import { django } from './python/django.ts';
import { passlib } from './python/passlib.ts';
import { flask } from './python/werkzeug.ts';
import { crypt } from './unix/crypt.ts';
import { dovecot } from './unix/dovecot.ts';
import { ldap } from './unix/ldap.ts';
import { servers } from './unix/servers.ts';

const SCHEMES: readonly Scheme[] = [
  crypt,
  spring,
  ldap,
  dovecot,
  servers,
  django,
  flask,
  passlib,
  phpass,
  phpFrameworks,
  mediawiki,
  forums,
  keycloak,
  java,
  node,
  columns,
  dotnet,
].flat();

/** What may be declared; `*` stands for the rest of a name. */
export const SCHEME_NAMES: readonly string[] = SCHEMES.flatMap(({ names }) => names);

const exact = new Map(SCHEMES.flatMap((scheme) => scheme.names.map((name) => [name, scheme] as const)));
const prefixes = [...exact]
  .filter(([name]) => name.endsWith('*'))
  .map(([name, scheme]) => [name.slice(0, -1), scheme] as const);

/** Several systems write so, and mean different things. */
const AMBIGUOUS =
  /^([0-9a-f]{16,128}|[./A-Za-z0-9]{2}([./A-Za-z0-9]{11}){1,16}|[0-9a-f]{16}..[0-9a-f]{16}|[0-9a-f]+:[^:]+|\$[67]\$.*|\{(PBKDF2|MD5|SHA-?\d*)\}.*|(md5|sha1)\$[^$]*\$[0-9a-f]+|[0-9a-f]+\$\d+\$[0-9a-f]+|[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22})$/i;
/** No password, or a locked one: Django, shadow, LDAP. */
const UNUSABLE = /^(\{CRYPT\})?(!.*|\*|\*LK\*|\*NP\*)?$/is;

export interface Found {
  readonly recipe: Recipe;
  readonly scheme: string;
}

/** @throws ImportedHashFailure */
export function readRecipe(given: Given): Found | 'unusable' {
  const { text, custom } = given;
  if (custom !== null) return { recipe: readAuth0(custom), scheme: `auth0:${custom['algorithm']}` };
  const declared = given.scheme === null ? null : declaredScheme(given.scheme);
  if (text === '' || (text !== null && !declared?.plain && UNUSABLE.test(text))) return 'unusable';
  const scheme = declared ?? recognised(given);
  return { recipe: scheme.read(given), scheme: given.scheme ?? nameOf(scheme) };
}

/** For the counts of an import. */
const nameOf = ({ names: [name = ''] }: Scheme): string => name.replace(/:?\*$/, '');

/** @throws ImportedHashFailure unknown_scheme */
function declaredScheme(name: string): Scheme {
  const found = exact.get(name) ?? prefixes.find(([prefix]) => name.startsWith(prefix))?.[1];
  if (found) return found;
  throw new ImportedHashFailure('unknown_scheme');
}

/** @throws ImportedHashFailure unknown_scheme, ambiguous_scheme */
function recognised(given: Given): Scheme {
  const { text, columns: has } = given;
  const fits = ({ looks, columns: names }: Scheme) =>
    text === null ? names?.every((name) => has?.[name] !== undefined) : looks?.test(text);
  const found = SCHEMES.find(fits);
  if (found) return found;
  throw new ImportedHashFailure(text === null || AMBIGUOUS.test(text) ? 'ambiguous_scheme' : 'unknown_scheme');
}
