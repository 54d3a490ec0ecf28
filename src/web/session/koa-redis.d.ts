// koa-redis ships no types; this is the part of it that is used.
declare module 'koa-redis' {
  import type { EventEmitter } from 'node:events';
  import type { Redis } from 'ioredis';

  class RedisStore extends EventEmitter {
    constructor(options: { client: Redis });
    readonly client: Redis;
  }
  export = RedisStore;
}
