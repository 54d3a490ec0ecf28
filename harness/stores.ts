// The stores that a Holdfast runs on: of a run of their own, or cloned for one test file.

export interface TestDatabase {
  /** As the owner of the schema. */
  ownerUrl: string;
  /** With the rights of a web process. */
  webUrl: string;
  /** With the rights of a worker. */
  workerUrl: string;
  superuserUrl: string;
  /** Ends whatever is still connected and removes the database. */
  drop(): Promise<void>;
}

export interface TestStores {
  readonly database: TestDatabase;
  readonly redisUrl: string;
  close(): Promise<void>;
}
