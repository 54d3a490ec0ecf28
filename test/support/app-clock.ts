// The clock of the web process and the worker that a test runs in itself: off by so much, as on a machine that lost its
// time. Timers and `performance.now()` go on as before.
const RealDate = Date;
let shiftMs = 0;

class ShiftedDate extends RealDate {
  constructor(...given: unknown[]) {
    if (given.length === 0) super(RealDate.now() + shiftMs);
    else super(...(given as [number]));
  }

  static override now(): number {
    return RealDate.now() + shiftMs;
  }
}

/** From now on; 0 sets it right again. */
export function shiftAppClock(ms: number): void {
  shiftMs = ms;
  globalThis.Date = ms === 0 ? RealDate : (ShiftedDate as DateConstructor);
}

/** Does what a person does whose own clock is right. */
export async function withRightClock<T>(work: () => Promise<T>): Promise<T> {
  const was = shiftMs;
  shiftAppClock(0);
  try {
    return await work();
  } finally {
    shiftAppClock(was);
  }
}
