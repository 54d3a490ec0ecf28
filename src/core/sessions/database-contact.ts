// When PostgreSQL was last heard of by this process, and whether it answers now.

export type DatabaseContact = ReturnType<typeof createDatabaseContact>;

export function createDatabaseContact() {
  let up = false;
  let heardAt = Number.NEGATIVE_INFINITY;
  return {
    isUp: () => up,

    /** How long PostgreSQL has said nothing of endings. */
    silentMs: () => performance.now() - heardAt,

    /** It told of endings, and was asked at this moment of the monotonic clock. */
    heard(askedAt: number): void {
      up = true;
      heardAt = askedAt;
    },

    /** Somebody could not ask it. */
    lost(): void {
      up = false;
    },
  };
}
