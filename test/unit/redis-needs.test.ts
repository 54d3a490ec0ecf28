// What an answer to INFO says against a server, by Redis 7.0's words and by Valkey 8.0's.
import { expect, test } from '@jest/globals';
import { faultIn } from '../../src/core/platform/redis-needs.ts';

const REDIS = 'redis_version:7.0.15\r\nredis_mode:MODE\r\nos:Linux\r\n\r\n# Replication\r\nrole:ROLE\r\n';
const VALKEY =
  'redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.0.1\r\nserver_mode:MODE\r\nos:Linux\r\n\r\n# Replication\r\nrole:ROLE\r\n';

test.each([
  ['standalone', 'master', null],
  ['cluster', 'master', 'it is a node of a cluster: give a Redis that is none'],
  ['standalone', 'slave', 'it is a replica: give its primary'],
])('%s as %s', (mode, role, fault) => {
  for (const info of [REDIS, VALKEY]) {
    expect(faultIn(info.replace('MODE', mode).replace('ROLE', role))).toBe(fault);
  }
});

test('one that says nothing of itself is taken', () => {
  expect(faultIn('')).toBeNull();
});
