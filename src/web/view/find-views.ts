// What the console's search is given.

/** One thing that a search may mean. */
export interface Meaning {
  /** "Person", "Event", "Session", "Request", "IP address", "Network" */
  readonly what: string;
  readonly name: string;
  readonly note: string | null;
  readonly href: string;
}

export interface FindViews {
  'operator/find': {
    /** Empty before anything was looked for. */
    readonly typed: string;
    readonly meanings: readonly Meaning[];
    readonly people: 'all' | 'more' | 'not looked through';
    /** So many people are offered. */
    readonly mostPeople: number;
  };
}
