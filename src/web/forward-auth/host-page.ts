// What a page on an application's own host is given.
import type Koa from 'koa';
import type { Application } from '../../core/applications/application.ts';
import type { Context } from '../../core/context.ts';
import type { Reader } from './answers.ts';
import type { ApplicationCookies } from './application-cookies.ts';

export interface HostPagesOptions {
  readonly context: Context;
  readonly cookies: ApplicationCookies;
}

/** A request for such a page, and how its answer is read. */
export interface HostPage extends HostPagesOptions {
  readonly ctx: Koa.Context;
  readonly application: Application;
  readonly reader: Reader;
}
