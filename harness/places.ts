// Places of a made-up internet: addresses that are nobody's in a test, and files that know where they are.
import { mmdb } from './mmdb.ts';

export const LISBON = '81.193.1.2';
export const PORTO = '81.193.99.3';
export const TOKYO = '126.10.20.30';
export const PARIS_6 = '2a01:e0a:1:2::3';

const PORTUGAL = { country: { iso_code: 'PT' } };
export const COUNTRIES = mmdb([
  [
    '81.193.0.0/16',
    { ...PORTUGAL, city: { names: { en: 'Lisbon' } }, location: { latitude: 38.72, longitude: -9.14 } },
  ],
  ['126.0.0.0/8', { country_code: 'JP' }],
  ['2a01:e0a::/32', { country: { iso_code: 'FR' } }],
]);
const network = (number: number, owner: string) => ({
  autonomous_system_number: number,
  autonomous_system_organization: owner,
});
export const NETWORKS = mmdb([
  ['81.193.0.0/16', network(3_243, 'Meo')],
  ['126.0.0.0/8', network(17_676, 'GIGAINFRA Softbank BB Corp.')],
  ['2a01:e0a::/32', network(12_322, 'Free SAS')],
]);
