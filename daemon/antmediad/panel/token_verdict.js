// What the guard of an application says of a token, step by step.

import { fill, h } from "./dom.js";
import { at, post } from "./api.js";
import { cardForm } from "./card_form.js";
import { field } from "./form.js";
import { icon } from "./notice.js";
import { bare, claimsBox } from "./token_claims.js";

const WORDS = { passed: "passed", failed: "failed", skipped: "skipped" };

/** What the daemon calls its steps, and what they ask. */
const STEPS = {
  "IP filter": "The address is allowed",
  "JWT filter": "A token is asked for",
  "token present": "There is a token",
  "well-formed": "It has the form of a token",
  algorithm: "Its algorithm is allowed",
  signature: "Its signature fits",
  "claims readable": "Its claims can be read",
  time: "It is within its time",
  "issuer and audience": "Its issuer and audience are right",
};

/**
 * Make the card.
 * @returns {{element: HTMLElement, take: (token: string) => Promise<void>}} take: put a token in, and check it
 */
export function verdictCard(application, signal) {
  const token = field("Token", {
    name: "token", type: "textarea", help: "With or without “Bearer”. It goes to this daemon only, and is not kept.",
    rule: (text) => (bare(text) ? "" : "Paste a token."), attributes: { rows: "5", autocapitalize: "none" },
  });
  const address = field("Address", {
    name: "address", help: "Where the request would come from. Empty: your own.",
    attributes: { placeholder: "192.0.2.1", autocapitalize: "none" },
  });
  const result = h("div", { class: "stack" });
  const form = cardForm({
    title: "Would a token be let in?", fields: [token, address], action: "Check",
    more: h("button", { type: "button", class: "quiet", onclick: clear }, "Clear"),
    run: async () => {
      fill(result);
      const text = bare(token.value);
      const contents = h("section", { class: "card stack", "aria-label": "What the token says" }, h("h3", null, "What the token says"), claimsBox(text));
      fill(result, contents);
      const asked = address.value.trim();
      const verdict = await post(at`/apps/${application}/explain`, asked ? { token: text, address: asked } : { token: text }, { signal });
      fill(result, shown(verdict), contents);
      result.querySelector("h3").focus();
    },
  });

  function clear() {
    token.value = "";
    token.say("");
    fill(result);
    token.control.focus();
  }

  async function take(text) {
    token.value = text;
    token.say("");
    await form.submit();
  }

  return { element: h("div", { class: "stack" }, form, result), take };
}

function shown({ allowed, reason, meaning, steps }) {
  return h("section", { class: "card", "aria-label": "Verdict" },
    h("h3", { class: "unseen", tabindex: "-1" }, allowed ? "It would be let in" : "It would be refused"),
    h("div", { class: `verdict ${allowed ? "" : "error"}` }, icon(allowed ? "passed" : "failed"),
      h("p", null, allowed ? "It would be let in." : ["It would be refused: ", meaning || reason, ". ", reason ? h("code", null, reason) : null])),
    h("ol", { class: "steps" }, steps.map(({ name, outcome, detail }) => h("li", { class: outcome }, icon(outcome),
      h("span", null, STEPS[name] ?? name, detail ? h("span", { class: "dim" }, ` · ${detail}`) : null), h("span", { class: "outcome" }, WORDS[outcome] ?? outcome)))));
}
