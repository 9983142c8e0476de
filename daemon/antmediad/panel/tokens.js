// An application's tokens: make one, and see what the guard says of one.  Neither is kept anywhere.

import { fill, h } from "./dom.js";
import { at, get, post } from "./api.js";
import { cardForm } from "./card_form.js";
import { copyBox } from "./copying.js";
import { field } from "./form.js";
import { time } from "./format.js";
import { whenOther } from "./live.js";
import { to } from "./router.js";
import { isAdmin } from "./session.js";
import { claimsBox } from "./token_claims.js";
import { verdictCard } from "./token_verdict.js";

const HOUR_S = 3600;
const EXPIRIES = { hour: ["1 hour", HOUR_S], day: ["1 day", 24 * HOUR_S], month: ["30 days", 30 * 24 * HOUR_S], own: ["until a time of your choice", null], permanent: ["permanent", null] };
const EXAMPLE = "/rest/v2/broadcasts/list/0/10";

/** Claims that the guard reads, and what they have to be. */
const SHAPES = {
  exp: [() => false, "exp is set by the choice above"],
  nbf: [Number.isFinite, "nbf must be a number, in seconds since 1970"],
  iat: [Number.isFinite, "iat must be a number, in seconds since 1970"],
  iss: [isText, "iss must be a text"],
  sub: [isText, "sub must be a text"],
  aud: [(value) => isText(value) || (Array.isArray(value) && value.every(isText)), "aud must be a text, or a list of texts"],
};

function isText(value) {
  return typeof value === "string";
}

export async function show({ application, signal }) {
  const verdict = verdictCard(application, signal);
  const place = h("div");
  let mode = null;

  async function draw() {
    const now = await modeOf(application, signal);
    if (now === mode) return;
    mode = now;
    fill(place, maker(application, mode, verdict.take));
  }

  await draw();
  return {
    nodes: h("div", { class: "stack" }, h("h2", null, "Tokens"), h("div", { class: "columns" }, place, verdict.element)),
    // Whether tokens can be made depends on the settings, which may change meanwhile.
    refresh: whenOther((status) => `${status.generation} ${status.jwtFilter}`, draw),
  };
}

/** Tell how the application knows its tokens: "key-set", "no-secret", "secret", and "unused" while its filter is off. */
async function modeOf(application, signal) {
  const { values } = await get(at`/apps/${application}/settings`, { signal });
  if (values.jwksURL?.text) return "key-set";
  if (!values.jwtSecretKey?.text) return "no-secret";
  return values.jwtControlEnabled?.text === "true" ? "secret" : "unused";
}

function maker(application, mode, check) {
  const say = (...nodes) => h("section", { class: "card stack" }, h("h3", null, "Create a token"), nodes);
  const settings = h("a", { href: to("applications", application, "settings") }, "settings");
  if (mode === "key-set") {
    return say(h("p", null, "This application trusts the key set of an identity provider (", h("code", null, "jwksURL"), "): only the provider has the keys that sign its tokens."),
      h("p", null, "Get a token there, and paste it here to see whether it would be let in. The keys that are trusted are shown under ",
        h("a", { href: to("applications", application, "key-sets") }, "Key sets"), "."),
      h("p", { class: "dim" }, "To make tokens here instead, empty ", h("code", null, "jwksURL"), " and set ", h("code", null, "jwtSecretKey"), " in the ", settings, "."));
  }
  if (mode === "no-secret") {
    return say(h("p", null, "This application has no secret to sign tokens with. Set ", h("code", null, "jwtSecretKey"), " in the ", settings,
      " (32 characters or more; “Generate” makes one), and turn on ", h("code", null, "jwtControlEnabled"), " so that a token is asked for."));
  }
  if (!isAdmin(application)) {
    return say(h("p", null, "Administrators of this application make tokens. You may look at one that you have."));
  }
  return creator(application, mode, check);
}

function creator(application, mode, check) {
  const expiry = field("Valid for", { name: "expiry", type: "select", choices: Object.entries(EXPIRIES).map(([key, [text]]) => [key, text]) });
  const until = field("Valid until", {
    name: "until", type: "datetime-local", attributes: { step: "1" }, help: "In the time of this computer.",
    rule: (value) => {
      if (expiry.value !== "own") return "";
      if (!value) return "Enter a day and a time.";
      return Date.parse(value) > Date.now() ? "" : "This is over. Enter a time to come.";
    },
  });
  const warning = h("p", { class: "note warning", role: "status" });
  const subject = field("Subject", {
    name: "subject", help: [h("code", null, "sub"), ": whom the token is for. It is not checked, and helps to tell tokens apart."],
  });
  const claims = field("Further claims", {
    name: "claims", type: "textarea", help: "A JSON object. Empty for none.", rule: (text) => wrongClaims(text, subject.value),
    attributes: { rows: "4", placeholder: '{"aud": "my-service"}' },
  });
  const result = h("div");

  function fit() {
    until.hidden = expiry.value !== "own";
    warning.hidden = expiry.value !== "permanent";
    fill(warning, warning.hidden ? null : ["It never ends. Whoever gets hold of it has access until the application’s secret is changed, which ends ",
      h("b", null, "all"), " of its tokens; a single one cannot be taken back."]);
  }

  expiry.control.addEventListener("change", fit);
  fit();
  const form = cardForm({
    title: "Create a token",
    intro: [h("p", { class: "dim" }, "Signed by the daemon with the application’s secret (HS256)."),
      mode === "unused" ? h("p", { class: "note" }, "The JWT filter is off: no token is asked for, and any is let in.") : null],
    fields: [expiry, until, warning, subject, claims],
    action: "Create",
    run: async () => {
      fill(result);
      const made = await post(at`/apps/${application}/tokens`, { claims: claimsOf(claims.value, subject.value), expiresInS: secondsOf(expiry.value, until.value) });
      fill(result, shown(application, made, check));
      result.querySelector("h3").focus();
    },
  });
  return h("div", { class: "stack" }, form, result);
}

function secondsOf(expiry, until) {
  if (expiry === "own") return Math.max(1, Math.round((Date.parse(until) - Date.now()) / 1000));
  return EXPIRIES[expiry][1];
}

function claimsOf(text, subject) {
  const claims = text.trim() ? JSON.parse(text) : {};
  return subject.trim() ? { sub: subject.trim(), ...claims } : claims;
}

function wrongClaims(text, subject) {
  if (!text.trim()) return "";
  let claims;
  try {
    claims = JSON.parse(text);
  } catch (error) {
    return `This is no JSON: ${error.message}`;
  }
  if (claims === null || typeof claims !== "object" || Array.isArray(claims)) return 'Expected an object, such as {"aud": "my-service"}.';
  if (subject.trim() && Object.hasOwn(claims, "sub")) return "sub is in the field “Subject” already: leave one of them out.";
  for (const [name, [fits, message]] of Object.entries(SHAPES)) {
    if (Object.hasOwn(claims, name) && !fits(claims[name])) return `${message}.`;
  }
  return "";
}

/** Show a new token, this once. */
function shown(application, { token, claims }, check) {
  const url = `${location.origin}/${encodeURIComponent(application)}${EXAMPLE}`.replaceAll("'", "%27");
  return h("section", { class: "card stack", "aria-label": "The new token" },
    h("h3", { tabindex: "-1" }, "The new token"),
    h("p", null, "It is shown here only, and not kept: copy it now. ", claims.exp ? ["It is valid until ", time(claims.exp), "."] : h("b", null, "It never ends.")),
    copyBox("Token", token, "the token"),
    copyBox("Try it", `curl -H 'Authorization: ${token}' '${url}'`, "the command"),
    claimsBox(token),
    h("div", { class: "buttons" }, h("button", { type: "button", onclick: () => check(token) }, "See what the guard says")));
}
