// The account of who is signed in: its rights, and its password.

import { h } from "./dom.js";
import { post } from "./api.js";
import { ask } from "./dialog.js";
import { field } from "./form.js";
import { notify } from "./notice.js";
import { session } from "./session.js";

export const SHORTEST_PASSWORD = 8;

/** What a right lets one do. */
export const RIGHTS = {
  ADMIN: "everything",
  USER: "read, and change broadcasts and VoDs",
  READ_ONLY: "read",
};

/** Tell what is wrong with a new password. */
export function newPasswordRule(value) {
  return value.length >= SHORTEST_PASSWORD ? "" : `Use ${SHORTEST_PASSWORD} characters or more.`;
}

async function change(old, newPassword) {
  try {
    await post("/users/password", { password: old.value, newPassword });
  } catch (error) {
    // The words of Ant Media Server, which looks for a user with both.
    if (/^User not exist/.test(error.message)) {
      old.say("This is not your present password.");
      error.message = "The password is not changed.";
    }
    throw error;
  }
}

/** Show the account, and change the password if one is given. */
export async function showAccount() {
  const { email, rights } = session.user;
  const old = field("Present password", {
    name: "password", type: "password", attributes: { autocomplete: "current-password" },
    rule: (value) => (value ? "" : "Enter your present password."),
  });
  const fresh = field("New password", {
    name: "newPassword", type: "password", attributes: { autocomplete: "new-password" },
    help: `${SHORTEST_PASSWORD} characters or more. Your other sessions end.`, rule: newPasswordRule,
  });
  const changed = await ask({
    title: "Your account", action: "Change the password",
    body: [
      h("dl", { class: "facts" },
        h("div", null, h("dt", null, "E-mail"), h("dd", null, email)),
        Object.entries(rights).map(([where, right]) => h("div", null,
          h("dt", null, where === "system" ? "Everywhere" : where), h("dd", null, `${right}: ${RIGHTS[right] ?? right}`)))),
      // Not shown: so that a password manager knows whose password this is.
      h("input", { type: "text", name: "username", value: email, autocomplete: "username", hidden: true, readOnly: true }),
      old, fresh],
    run: () => change(old, fresh.value),
  });
  if (changed) notify("Your password is changed.");
}
