// The secret of an authenticator app that is being set up, encrypted: a page that is loaded again, or in another language,
// shows the same one, which the app may know by then.
import { createCookie } from '../http/cookies.ts';

const LIFE_MS = 60 * 60_000;

export const setUpCookie = createCookie('set-up', {
  accepts: (value) => value.length <= 1_000 && /^[\w-]+$/.test(value),
  lifeMs: () => LIFE_MS,
});
