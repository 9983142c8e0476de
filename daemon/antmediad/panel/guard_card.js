// Who may call an application's REST API: its two filters, and what they come to.

import { fill, h } from "./dom.js";
import { listed } from "./format.js";
import { icon } from "./notice.js";

const KEYS = ["ipFilterEnabled", "remoteAllowedCIDR", "jwtControlEnabled", "jwtSecretKey", "jwksURL"];

/** Make the card; for the `card` option of `makeSettingsForm`. */
export function guardCard(row, model) {
  const verdict = h("div", { class: "verdict", role: "status" });
  const mode = h("p", { class: "help" });
  const element = h("section", { class: "guard card", "aria-labelledby": "guard-title" },
    h("h2", { id: "guard-title" }, "Who may call this application’s REST API"),
    verdict,
    h("div", { class: "settings" }, row("ipFilterEnabled", "IP filter"), row("remoteAllowedCIDR", "Allowed addresses")),
    h("div", { class: "settings" }, row("jwtControlEnabled", "JWT filter"), mode, row("jwtSecretKey", "Secret"), row("jwksURL", "Key set")));

  let last = "";
  return {
    element,
    keys: KEYS,
    update: () => {
      const [kind, text] = decide(model);
      const isEdited = KEYS.some((key) => model.isEdited(key));
      const said = `${isEdited && kind !== "error" ? "Once saved: " : ""}${text}`;
      if (said !== last) fill(verdict, icon(kind), h("p", null, said));
      verdict.className = `verdict ${kind}`;
      last = said;
      fill(mode, explain(model));
    },
  };
}

const isOn = (model, key) => model.text(key).trim().toLowerCase() === "true";

function decide(model) {
  const isWrong = model.found.some((problem) => problem.severity === "error" && KEYS.includes(problem.key));
  if (isWrong) return ["error", "This cannot be saved as it is: see the error below."];
  if (model.state === "failed" && !KEYS.some((key) => model.isEdited(key))) {
    return ["error", "Nobody. The file never had good settings, and every request is answered 503 until it is mended."];
  }
  const byAddress = isOn(model, "ipFilterEnabled");
  const byToken = isOn(model, "jwtControlEnabled");
  const addresses = model.text("remoteAllowedCIDR").split(",").map((address) => address.trim()).filter(Boolean);
  const signed = model.text("jwksURL").trim() ? "signed with a key of the key set" : model.text("jwtSecretKey") ? "signed with the secret" : "";
  if (byAddress && !addresses.length) return ["warning", "Nobody. The IP filter is on, and allows no address."];
  if (byToken && !signed) return ["warning", "Nobody. The JWT filter is on, and has neither a secret nor a key set to check tokens with."];
  if (!byAddress && !byToken) return ["warning", "Everybody. Both filters are off."];
  const from = byAddress ? `from ${listed(addresses.slice(0, 6))}${addresses.length > 6 ? ` and ${addresses.length - 6} more` : ""}` : "from any address";
  return ["on", `Calls ${from}${byToken ? `, with a token that is ${signed}` : ", without a token"}. Others are answered 403.`];
}

function explain(model) {
  if (model.text("jwksURL").trim()) return "A key set is named, so tokens are checked with it (RS256, ES256 and others), and the secret is ignored.";
  return "Tokens are checked with the secret (HS256). Name a key set to check them with its keys instead.";
}
