// Somebody with a list of passwords: posts the log-in form from whatever address, through a proxy that is trusted. And the
// passing of time for the throttle, by moving what it has written.
import type { Redis } from 'ioredis';

export const ATTACKED = { TRUSTED_PROXIES: '127.0.0.1' } as const;

export interface Guess {
  readonly email: string;
  readonly password?: string;
  readonly ip: string;
  /** `name=value` of a device cookie. */
  readonly device?: string;
  /** What it claims about itself in `Forwarded`, which its proxy hands on. */
  readonly forwarded?: string;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly retryAfter: string | null;
  readonly cookies: readonly string[];
}

/** Opens the form once; each guess is one request. */
export async function startAttacker(url: string): Promise<(guess: Guess) => Promise<Answer>> {
  const form = await fetch(`${url}/login`);
  const token = /name="_csrf" value="([^"]+)"/.exec(await form.text())?.[1] ?? '';
  const visitor = form.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  return async ({ email, password = 'a wrong guess', ip, device, forwarded }) => {
    const response = await fetch(`${url}/login`, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        cookie: device ? `${visitor}; ${device}` : visitor,
        'x-forwarded-for': ip,
        ...(forwarded ? { forwarded } : {}),
      },
      body: new URLSearchParams({ _csrf: token, email, password }),
    });
    return {
      status: response.status,
      text: await response.text(),
      retryAfter: response.headers.get('retry-after'),
      cookies: response.headers.getSetCookie(),
    };
  };
}

/** The device cookie that a success has set, as a browser sends it back. */
export function deviceOf({ cookies }: Answer): string {
  return cookies.find((cookie) => cookie.startsWith('holdfast_device='))?.split(';')[0] ?? '';
}

const PASS = `
  for _, key in ipairs(redis.call('KEYS', 'hf:t:w:*')) do
    local all = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
    for i = 1, #all, 2 do redis.call('ZADD', key, all[i + 1] - ARGV[1], all[i]) end
  end
  for _, key in ipairs(redis.call('KEYS', 'hf:t:b:*')) do
    local value, left = redis.call('GET', key), redis.call('PTTL', key) - ARGV[1]
    if left <= 0 then redis.call('DEL', key)
    else redis.call('SET', key, string.format('%013.0f', string.sub(value, 1, 13) - ARGV[1]) .. string.sub(value, 14), 'PX', left) end
  end
  return 1`;

/** Lets so much time pass for every window and block in this Redis. */
export async function passTime(redis: Redis, ms: number): Promise<void> {
  await redis.eval(PASS, 0, ms);
}
