// Sends a file and tells how far it is, which fetch cannot.

import { ApiError } from "./api.js";

const BASE = "/rest/v2";

/**
 * Send a form.
 * @param {string} path below /rest/v2
 * @param {FormData} form
 * @param {{progress: (sent: number, total: number) => void, signal: AbortSignal}} options
 * @returns {Promise<Object>} the answer
 * @throws {ApiError} also for a 200 that says `"success":false`; or an AbortError
 */
export function upload(path, form, { progress, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const cancel = () => request.abort();
    const fail = (status, message) => reject(new ApiError(status, message));
    request.open("POST", BASE + path);
    request.setRequestHeader("Accept", "application/json");
    request.upload.onprogress = ({ loaded, total }) => progress(loaded, total);
    request.onload = () => {
      const answer = parsed(request.responseText);
      if (request.status === 200 && answer?.success) resolve(answer);
      else fail(request.status, answer?.message || `The daemon answered with status ${request.status}, and gave no reason.`);
    };
    request.onerror = () => fail(0, "The connection broke. Nothing of the file is kept; try again.");
    request.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    request.onloadend = () => signal.removeEventListener("abort", cancel);
    signal.addEventListener("abort", cancel);
    if (signal.aborted) reject(new DOMException("cancelled", "AbortError"));
    else request.send(form);
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
