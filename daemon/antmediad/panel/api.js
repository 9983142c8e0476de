// Calls the management API; every error becomes an ApiError with a text that can be shown.

const BASE = "/rest/v2";
const TIMEOUT_MS = 20_000;
const SIGNED_OUT = ["Not authenticated user", "No user in this session"];

let signedOut = () => {};

/** Say what to do when a call finds that the session has ended. */
export function onSignedOut(call) {
  signedOut = call;
}

export class ApiError extends Error {
  /**
   * @param {number} status 0 when the daemon was not reached
   * @param {string} message
   * @param {Object[]} problems of the settings: `{severity, message, line, key}`
   */
  constructor(status, message, problems = []) {
    super(message);
    this.status = status;
    this.problems = problems;
  }
}

/**
 * Answer to a call.
 * @typedef {{body: *, etag: ?string}} Answer
 */

/**
 * Make a call, and return the body of its answer.
 * @param {string} method
 * @param {string} path below /rest/v2, made by `at` or `restOf`
 * @param {{body?: *, form?: FormData, digest?: ?string, signal?: AbortSignal, timeoutMs?: number}} options
 *   body: sent as JSON; digest: sent as If-Match
 * @throws {ApiError} also for a 200 that says `"success":false`, unless it was a GET
 */
export async function call(method, path, options = {}) {
  const { body, form, digest, signal, timeoutMs = TIMEOUT_MS } = options;
  const headers = { Accept: "application/json", "X-Requested-With": "antmediad-panel" };
  // Also without a body: the API asks for the type on every POST, and a form of another site cannot send it.
  if (method !== "GET" && !form) headers["Content-Type"] = "application/json";
  if (digest) headers["If-Match"] = `"${digest}"`;
  const timeout = AbortSignal.timeout(timeoutMs);
  let response;
  try {
    response = await fetch(BASE + path, {
      method, headers, cache: "no-store", credentials: "same-origin", redirect: "error",
      body: form ?? (body === undefined ? undefined : JSON.stringify(body)),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, error.name === "TimeoutError"
      ? "The daemon did not answer in time. Try again; its log says more."
      : "The daemon cannot be reached. Is it running, and is this address still right?");
  }
  return read(response, method);
}

async function read(response, method) {
  const text = await response.text();
  let answer = null;
  try {
    answer = text === "" ? null : JSON.parse(text);
  } catch {
    if (response.ok) throw new ApiError(response.status, "The answer was not JSON: is something else in between?");
  }
  const refused = method !== "GET" && answer?.success === false;
  if (response.ok && !refused) return answer;
  const message = answer?.message || sayStatus(response.status);
  const error = new ApiError(response.status, message, answer?.problems ?? []);
  if (response.status === 401 || (response.status === 403 && SIGNED_OUT.includes(message))) signedOut();
  throw error;
}

function sayStatus(status) {
  if (status === 200) return "The daemon refused, and gave no reason.";
  if (status === 412) return "The file was changed meanwhile.";
  if (status === 413) return "That is too large.";
  return `The daemon answered with status ${status}.`;
}

/** Write a path below /rest/v2: at`/apps/${name}/file`; what is filled in is encoded. */
export function at(texts, ...values) {
  return texts.reduce((path, text, index) => path + encodeURIComponent(values[index - 1]) + text);
}

/** Add a query to a path; null and undefined are left out. */
export function query(path, parameters) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") search.set(name, value);
  }
  const text = search.toString();
  return text ? `${path}${path.includes("?") ? "&" : "?"}${text}` : path;
}

/**
 * Write the path of an application's own REST API, called through the management API, where the
 * session counts and no token is needed: restOf("LiveApp", ["broadcasts", id], {deleteSubtracks: false}).
 * @param {string[]} segments plain, not encoded
 */
export function restOf(application, segments, parameters = {}) {
  // The parameter is a path, with encoded segments, which as a parameter is encoded as a whole.
  const path = [application, "rest", "v2", ...segments].map(encodeURIComponent).join("/");
  return query("/request", { _path: path, ...parameters });
}

export const get = (path, options) => call("GET", path, options);
export const post = (path, body, options) => call("POST", path, { ...options, body });
export const put = (path, body, options) => call("PUT", path, { ...options, body });
export const remove = (path, options) => call("DELETE", path, options);
