// Requests a second, made from the counts that are polled; kept while one moves between views.

const POINTS = 60;

/** @typedef {{at: number, passed: number, refused: number}} Point rates, in requests a second */

/** @type {Map<string, {last: Object, points: Point[]}>} */
const series = new Map();

/** Take the counts of GET /apps; *at* in milliseconds. */
export function record(applications, at) {
  for (const { name, requests } of applications) {
    const known = series.get(name);
    const last = { at, passed: requests?.passed ?? 0, refused: requests?.refused ?? 0 };
    if (!known) {
      series.set(name, { last, points: [] });
      continue;
    }
    const seconds = (at - known.last.at) / 1000;
    // Fewer than before: the daemon was started again, and counts from 0.
    const rate = (kind) => Math.max(0, last[kind] - known.last[kind]) / seconds;
    if (seconds > 0.2) {
      known.points = [...known.points, { at, passed: rate("passed"), refused: rate("refused") }].slice(-POINTS);
      known.last = last;
    }
  }
  const names = new Set(applications.map((application) => application.name));
  for (const name of series.keys()) if (!names.has(name)) series.delete(name);
}

/** Return the latest rates of an application, oldest first. */
export function rates(name) {
  return series.get(name)?.points ?? [];
}
