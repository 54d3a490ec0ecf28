// A server that is there and says nothing: every process of it is stopped, and goes on afterwards as if nothing had been.
import { childrenOf, trySignal } from '../src/launcher/machine/process.ts';

/** Stops a server and its children; what it returns lets them go on. */
export function freeze({ pid }: { readonly pid: number }): () => void {
  trySignal(pid, 'SIGSTOP'); // first: it makes no more children
  const all = [pid, ...childrenOf(pid)];
  for (const one of all) trySignal(one, 'SIGSTOP');
  return () => {
    for (const one of all) trySignal(one, 'SIGCONT');
  };
}
