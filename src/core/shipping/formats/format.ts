// As which JSON an event leaves the house. Erased values are gone from it, as they are from the log.
import type { ExportedEvent } from '../../audit/event-rows.ts';
import { ndjsonLine, withoutSteering } from '../../audit/reading/export.ts';
import { ecsEvent } from './ecs.ts';
import { ocsfEvent } from './ocsf.ts';

export const FORMATS = ['holdfast', 'ecs', 'ocsf'] as const;
export type FormatName = (typeof FORMATS)[number];

/** One line of JSON, without its end. */
export type Format = (event: ExportedEvent) => string;

const BY_NAME: Readonly<Record<FormatName, Format>> = {
  /** The line of an export, which proves itself: `audit verify --file` takes it. */
  holdfast: (event) => ndjsonLine(event).slice(0, -1),
  ecs: (event) => withoutSteering(JSON.stringify(ecsEvent(event))),
  ocsf: (event) => withoutSteering(JSON.stringify(ocsfEvent(event))),
};

export function formatOf(name: FormatName): Format {
  return BY_NAME[name];
}
