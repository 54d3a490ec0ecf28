// The receiver that a target names.
import type { Receiver } from './receiver.ts';
import { type FileTarget, openRotatingFile } from './rotating-file.ts';
import { openSyslog, type SyslogTarget } from './syslog.ts';
import { openWebhook, type WebhookTarget } from './webhook.ts';

export type Target = WebhookTarget | SyslogTarget | FileTarget;

/** Opens nothing yet. */
export function openReceiver(target: Target): Receiver {
  if (target.kind === 'webhook') return openWebhook(target);
  return target.kind === 'syslog' ? openSyslog(target) : openRotatingFile(target);
}
