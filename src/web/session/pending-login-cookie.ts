// The cookie of a login that waits for its second factor: a random token whose hash the database
// holds.
import { isToken } from '../../core/credentials/random-token.ts';
import { createCookie } from '../http/cookies.ts';

const LIFE_MS = 10 * 60_000;

export const pendingLoginCookie = createCookie('pending', { accepts: isToken, lifeMs: () => LIFE_MS });
