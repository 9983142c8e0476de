// The field of a new password.

import { h } from "./dom.js";
import { newPasswordRule, SHORTEST_PASSWORD } from "./account.js";
import { copy, field, randomSecret } from "./form.js";

const GENERATED = 20;

/** Make the field, with a button that makes up a password, shows it, and copies it. */
export function newPassword(label) {
  const password = field(label, {
    name: "newPassword", type: "password", attributes: { autocomplete: "new-password" }, help: `${SHORTEST_PASSWORD} characters or more.`, rule: newPasswordRule,
  });
  const show = password.control.nextElementSibling;
  const generate = h("button", { type: "button", onclick: () => {
    password.value = randomSecret(GENERATED);
    password.say("");
    // It has to be read, or copied, to be told to anybody.
    if (password.control.type === "password") show.click();
    copy(password.value, "The password is copied.");
  } }, "Generate");
  show.after(generate);
  return password;
}
