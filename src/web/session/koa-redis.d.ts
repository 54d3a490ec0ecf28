// koa-redis ships no types; this is the part of it that is used.
declare module 'koa-redis' {
  import type { EventEmitter } from 'node:events';
  import type { Redis } from 'ioredis';

  class RedisStore extends EventEmitter {
    constructor(options: {
      client: Redis;
      serialize?: (value: unknown) => string;
      unserialize?: (text: string) => unknown;
    });
    readonly client: Redis;
    readonly status: string;
    readonly serialize: (value: unknown) => string;
    readonly unserialize: (text: string) => unknown;
  }
  export = RedisStore;
}
