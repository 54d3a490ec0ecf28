// What the supervisor and its web processes say to each other beside signals.

/** An argument for a web process beside others that serve: it listens only once it is ready. */
export const LISTEN_WHEN_READY = '--listen-when-ready';

/** An argument for the supervisor: whoever starts it has checked the settings of all processes. */
export const ALREADY_CHECKED = '--already-checked';

/** The supervisor's exit code when no web process gets to serve. */
export const GAVE_UP = 3;

/** An order to listen at once, ready or not: nobody else serves any more. */
export const LISTEN = { type: 'listen' } as const;

export function isListen(message: unknown): boolean {
  return isOfType(message, LISTEN.type);
}

/** A web process sends it once it serves, the supervisor once all of its first do. */
export const READY = { type: 'ready' } as const;

export function isReady(message: unknown): boolean {
  return isOfType(message, READY.type);
}

function isOfType(message: unknown, type: string): boolean {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === type;
}
