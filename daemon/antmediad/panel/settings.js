// An application's settings.

import { h } from "./dom.js";
import { at } from "./api.js";
import { guardCard } from "./guard_card.js";
import { isAdmin } from "./session.js";
import { makeSettingsForm } from "./settings_form.js";

export async function show({ application, status, signal }) {
  const form = await makeSettingsForm({
    base: at`/apps/${application}`, kind: "application", canEdit: isAdmin(application), status, signal, card: guardCard,
  });
  return { ...form, nodes: h("div", { class: "stack" }, h("h2", { class: "unseen" }, "Settings"), form.nodes) };
}
