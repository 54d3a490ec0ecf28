// Servers that keep accounts of their own: PostgreSQL, ejabberd, Prosody, RabbitMQ, Mosquitto, CouchDB, MySQL.
import { malformed } from '../../failure.ts';
import { base64, bytes, count, DIGEST_BYTES, digestNamed, exactly, hex, utf8 } from '../bytes.ts';
import { column, match, type Reader, type Scheme, textOf } from '../given.ts';
import { pbkdf2, recipe, salted, scram } from '../recipes.ts';

const postgresScram: Reader = (given) => {
  const pattern = /^SCRAM-SHA-256\$(?<iterations>\d+):(?<salt>[^$]+)\$(?<stored>[^:]+):[^:]+$/;
  const { iterations, salt = '', stored = '' } = match(pattern, textOf(given));
  return scram('sha256', count(iterations), { salt: bytes(base64(salt)), key: base64(stored) });
};

/** md5(password ‖ role). */
const postgresMd5: Reader = (given) => {
  const { key = '' } = match(/^md5(?<key>[0-9a-f]{32})$/, column(given, 'rolpassword'));
  return salted('md5', { after: utf8(column(given, 'rolname')), key: hex(key) });
};

const ejabberd: Reader = (given) =>
  scram(digestNamed(column(given, 'hash')), count(column(given, 'iterationcount')), {
    salt: bytes(base64(column(given, 'salt'))),
    key: base64(column(given, 'storedkey')),
  });

/** The salt is a UUID, as text. */
const prosody: Reader = (given) => {
  const key = hex(column(given, 'stored_key'));
  const of = key.length === 20 ? 'sha1' : key.length === 32 ? 'sha256' : malformed();
  return scram(of, count(column(given, 'iteration_count')), { salt: utf8(column(given, 'salt')), key });
};

/** Four bytes of salt, then the digest. */
const rabbitmq: Reader = (given) => {
  const all = base64(column(given, 'password_hash'));
  const { name = '' } = match(
    /^rabbit_password_hashing_(?<name>md5|sha256|sha512)$/,
    column(given, 'hashing_algorithm'),
  );
  return salted(digestNamed(name), { before: bytes(all.subarray(0, 4)), key: all.subarray(4) });
};

const mosquitto: Reader = (given) => {
  const pattern = /^\$(?:7\$(?<iterations>\d+)|6)\$(?<salt>[^$]+)\$(?<key>[^$]+)$/;
  const { iterations, salt = '', key = '' } = match(pattern, textOf(given));
  const raw = bytes(base64(salt));
  if (iterations === undefined) return salted('sha512', { after: raw, key: base64(key) });
  return pbkdf2('sha512', count(iterations), { salt: raw, key: base64(key) });
};

/** The salt as it stands. */
const couchdb: Reader = (given) => {
  const prf = digestNamed(typeof given.columns?.['pbkdf2_prf'] === 'string' ? column(given, 'pbkdf2_prf') : 'sha1');
  const key = hex(column(given, 'derived_key'));
  return pbkdf2(prf, count(column(given, 'iterations')), { salt: utf8(column(given, 'salt')), key });
};

/** MySQL 4.1 and later. */
const mysql41: Reader = (given) => {
  const { key = '' } = match(/^\*(?<key>[0-9A-F]{40})$/i, textOf(given));
  return recipe([{ do: 'digest', of: 'sha1', times: 2 }], exactly(DIGEST_BYTES.sha1, hex(key)));
};

export const servers: readonly Scheme[] = [
  { names: ['postgres:scram-sha-256'], read: postgresScram, looks: /^SCRAM-SHA-256\$/ },
  { names: ['postgres:md5'], read: postgresMd5, columns: ['rolpassword', 'rolname'] },
  { names: ['ejabberd:*'], read: ejabberd, columns: ['storedkey', 'iterationcount'] },
  { names: ['prosody:*'], read: prosody, columns: ['stored_key', 'iteration_count'] },
  { names: ['rabbitmq:*'], read: rabbitmq, columns: ['password_hash', 'hashing_algorithm'] },
  { names: ['mosquitto:*'], read: mosquitto },
  { names: ['couchdb:pbkdf2'], read: couchdb, columns: ['derived_key', 'iterations'] },
  { names: ['dokuwiki:my411'], read: mysql41, looks: /^\*[0-9A-F]{40}$/ },
];
