// Who is signed in, and what that user may do.

import { get } from "./api.js";

/**
 * The user's rights are by application, or `system` for everything.
 * @typedef {{email: string, firstName: string, lastName: string, rights: Object<string, string>}} User
 */

/** @type {{version: string, firstLogin: boolean, setupCodeRequired: boolean, user: ?User}} */
export let session = { version: "", firstLogin: false, setupCodeRequired: false, user: null };

/** Ask who is signed in. */
export async function readSession() {
  session = await get("/session");
  return session;
}

/** Forget who was signed in, as the daemon has. */
export function forget() {
  session = { ...session, user: null };
}

function rightsOf(application) {
  const rights = session.user?.rights ?? {};
  return [rights.system, rights[application]].filter(Boolean);
}

/** Whether the settings and the tokens of an application may be changed; "system": those of the server. */
export function isAdmin(application) {
  return rightsOf(application).includes("ADMIN");
}

/** Whether broadcasts and VoDs may be changed. */
export function mayChangeStreams(application) {
  return rightsOf(application).some((right) => right === "ADMIN" || right === "USER");
}

/** Whether the user sees the server and all applications. */
export function seesSystem() {
  return rightsOf("system").length > 0;
}
