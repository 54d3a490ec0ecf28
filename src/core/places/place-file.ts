// One database file (MMDB) in memory: read when it is first needed, and again when it was replaced.
import { readFile, stat } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { Reader, type Response } from 'mmdb-lib';
import { isCountry, isNetwork, type Place } from './place.ts';

const LONGEST_NAME = 100;
/** Whatever the file, a reader that can be used finds its way to these. */
const PROBES = ['192.0.2.1', '2001:db8::1'];

/** What files of MaxMind's shape and flat ones have of an address. */
interface Found {
  readonly country?: { readonly iso_code?: unknown };
  readonly country_code?: unknown;
  readonly city?: { readonly names?: { readonly en?: unknown } } | string;
  readonly location?: { readonly latitude?: unknown; readonly longitude?: unknown };
  readonly latitude?: unknown;
  readonly longitude?: unknown;
  readonly autonomous_system_number?: unknown;
  readonly autonomous_system_organization?: unknown;
}

type FileReader = Reader<Found & Response>;

/** `onProblem` gets each new state once: what is wrong with the file, or null when that is over. */
export function createPlaceFile(path: string, onProblem: (problem: string | null, isRead: boolean) => void) {
  let stamp = '';
  let reader: FileReader | null = null;
  let problem: string | null = null;

  function tell(now: string | null): void {
    if (now === problem) return;
    problem = now;
    onProblem(now, reader !== null);
  }

  return {
    path,

    /**
     * Looks whether the file is another one by now, and reads it; returns whether it did. One that can't be used leaves
     * what was read before it. Never throws.
     */
    async refresh(): Promise<boolean> {
      try {
        const { mtimeMs, size, ino } = await stat(path);
        const found = `${mtimeMs} ${size} ${ino}`;
        if (found === stamp) return false;
        const opened = open(await readFile(path));
        stamp = found;
        reader = opened;
        tell(null);
        return true;
      } catch (error) {
        stamp = '';
        tell(
          (error as NodeJS.ErrnoException).code ?? `it is no database that can be read (${(error as Error).message})`,
        );
        return false;
      }
    },

    /** What the file says of an address; nothing where it says nothing, or is damaged there. */
    find(ip: string): Place {
      if (reader === null || (isIPv6(ip) && reader.metadata.ipVersion === 4)) return {};
      try {
        const found = reader.get(ip);
        return found === null ? {} : placeOf(found);
      } catch (error) {
        tell(`it is damaged (${(error as Error).message})`);
        return {};
      }
    },
  };
}

function open(bytes: Buffer): FileReader {
  const reader = new Reader<Found & Response>(bytes);
  const { searchTreeSize, ipVersion } = reader.metadata;
  if (!(searchTreeSize < bytes.length)) throw new Error('it is cut short');
  for (const probe of PROBES) if (ipVersion === 6 || !isIPv6(probe)) reader.get(probe);
  return reader;
}

function placeOf(found: Found): Place {
  const country = found.country?.iso_code ?? found.country_code;
  const city = nameOf(typeof found.city === 'string' ? found.city : found.city?.names?.en);
  const point = pointOf(found.location ?? found);
  const network = found.autonomous_system_number;
  const owner = nameOf(found.autonomous_system_organization);
  return {
    ...(isCountry(country) ? { country } : {}),
    ...(city === null ? {} : { city }),
    ...(city === null || point === null ? {} : { point }),
    ...(isNetwork(network) ? { network } : {}),
    ...(isNetwork(network) && owner !== null ? { owner } : {}),
  };
}

function nameOf(value: unknown): string | null {
  const text =
    typeof value === 'string'
      ? value
          .toWellFormed()
          .replaceAll(/\p{Cc}+/gu, ' ')
          .trim()
      : '';
  return text === '' ? null : text.slice(0, LONGEST_NAME).toWellFormed();
}

/** Flat files have their numbers as text. */
function pointOf({ latitude, longitude }: Pick<Found, 'latitude' | 'longitude'>): [number, number] | null {
  if (latitude === undefined || latitude === '' || longitude === undefined || longitude === '') return null;
  const [lat, lon] = [Number(latitude), Number(longitude)];
  return Math.abs(lat) <= 90 && Math.abs(lon) <= 180 ? [lat, lon] : null;
}
