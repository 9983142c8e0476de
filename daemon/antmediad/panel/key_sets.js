// The key sets that an application's tokens are checked with.

import { fill, h } from "./dom.js";
import { at, get, post } from "./api.js";
import { count, time } from "./format.js";
import { badge, errorBox, icon, notify } from "./notice.js";
import { to } from "./router.js";
import { isAdmin } from "./session.js";
import { empty, table } from "./table.js";

const REFRESH_MS = 10_000;

export async function show({ application, signal, status }) {
  const place = h("div", { class: "stack" });
  const errors = errorBox();
  const button = isAdmin(application) ? h("button", { type: "button", onclick: fetchNow }, "Fetch now") : null;
  let shown = "";
  let generation = status.generation;
  let readAt = performance.now();

  function draw(keySets) {
    readAt = performance.now();
    const text = JSON.stringify(keySets);
    if (text === shown) return;
    shown = text;
    fill(place, keySets.length ? keySets.map(card) : empty("No key set is in use.",
      "Name one with ", h("code", null, "jwksURL"), " in the ", h("a", { href: to("applications", application, "settings") }, "settings"),
      ", to take tokens that an identity provider signs."));
    if (button) button.hidden = !keySets.length;
  }

  async function fetchNow() {
    if (button.disabled) return;
    button.disabled = true;
    errors.clear();
    try {
      const keySets = await post(at`/apps/${application}/key-sets/refresh`, {}, { timeoutMs: 60_000 });
      draw(keySets);
      const down = keySets.filter((keySet) => keySet.error).length;
      notify(down ? `Fetched; ${count(down, "source")} could not be read.` : "Fetched.");
    } catch (error) {
      errors.show(error);
    } finally {
      button.disabled = false;
    }
  }

  draw(await get(at`/apps/${application}/key-sets`, { signal }));
  return {
    nodes: [h("div", { class: "head" }, h("h2", null, "Key sets"), button), errors, place],
    refresh: async (latest) => {
      if (latest.generation === generation && performance.now() - readAt < REFRESH_MS) return;
      generation = latest.generation;
      readAt = performance.now();
      // A failure here is one of the connection, which is told above.
      await get(at`/apps/${application}/key-sets`, { signal }).then(draw).catch(() => {});
    },
  };
}

function card({ url, resolvedUrl, keys, fetchedAt, error, isUp }) {
  return h("section", { class: "card stack" },
    h("div", { class: "title" }, h("h3", null, h("code", null, url)), isUp ? badge("active", "reachable") : badge("failed", "not reachable")),
    h("dl", { class: "facts" },
      fact("Fetched from", resolvedUrl ? h("code", null, resolvedUrl) : h("span", { class: "dim" }, "not found yet")),
      fact("Last good fetch", time(fetchedAt)),
      fact("Keys", count(keys.length, "key"))),
    error ? h("p", { class: "message error" }, icon("error"), h("span", null, `The last fetch failed: ${error}`,
      keys.length ? ". The keys of the last good one stay in use for now." : ". Every token is refused until it succeeds.")) : null,
    keys.length ? table(`Keys of ${url}`, ["Key id (kid)", "Type", "Algorithm", "Use"], keys.map((key) => [
      key.kid ? h("code", null, key.kid) : h("span", { class: "dim" }, "none"), key.kty,
      key.alg ?? h("span", { class: "dim" }, "any that fits"), key.use ?? h("span", { class: "dim" }, "not said"),
    ])) : null);
}

function fact(name, value) {
  return h("div", null, h("dt", null, name), h("dd", null, value));
}
