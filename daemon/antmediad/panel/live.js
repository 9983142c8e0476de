// Calls that follow what happens: again and again, or when something is another than before.

/**
 * Call every so often, beginning at once; not while the page is hidden, nor while it is paused.
 * @param {() => Promise<void>} call handles its own errors
 * @param {number} milliseconds between the end of a call and the next
 * @param {AbortSignal} signal ends it
 * @returns {{now: () => Promise<void>, isPaused: boolean}} now: call out of turn
 */
export function every(call, milliseconds, signal) {
  let timer = 0;
  let turn = 0;
  const live = { now, isPaused: false };

  async function now() {
    clearTimeout(timer);
    const own = (turn += 1);
    if (signal.aborted) return;
    await call();
    if (own === turn) next();
  }

  function next() {
    clearTimeout(timer);
    if (signal.aborted) return;
    timer = setTimeout(() => (document.hidden || live.isPaused ? next() : now()), milliseconds);
  }

  signal.addEventListener("abort", () => clearTimeout(timer));
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && !live.isPaused) now();
  }, { signal });
  now();
  return live;
}

/**
 * Return a `refresh` that calls when what `key` makes of the latest status is another than before; a call that
 * fails comes again.
 */
export function whenOther(key, call) {
  let last = null;
  return (status) => {
    const now = key(status);
    if (last !== null && now !== last) call().catch(() => (last = ""));
    last = now;
  };
}
