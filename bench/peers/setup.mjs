// What every peer is told by the bench, and how it says that it listens. `/begin` stands in for a log-in: it begins the session
// that the bench hands over; `/profile` is what is measured.

/** The session's content, as JSON of the bytes that Holdfast keeps; `person` has what the page shows. */
export const sessionData = JSON.parse(process.env.BENCH_SESSION ?? '{}');
export const redisUrl = process.env.REDIS_URL;
/** The folder that holds `profile.ejs`: Holdfast's own page, with the person's address and the CSRF field as variables. */
export const viewsDir = process.env.BENCH_VIEWS;
export const port = Number(process.env.PORT);
/** One secret, as long as the longest that a peer wants. */
export const secret = 'a-secret-for-measuring-that-is-long-enough-for-all';

export const host = '127.0.0.1';

/** Tells the bench that requests are answered from now on, and ends when it says so. */
export function listening() {
  process.once('SIGTERM', () => process.exit(0));
  process.send?.('listening');
}
