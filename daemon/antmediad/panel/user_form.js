// The dialogs that add a user, change rights, and set a password.

import { h, id } from "./dom.js";
import { RIGHTS } from "./account.js";
import { get, post, put } from "./api.js";
import { ask } from "./dialog.js";
import { field } from "./form.js";
import { notify } from "./notice.js";
import { newPassword } from "./new_password.js";

const SYSTEM = "system";
const NONE = "";

/** Ask for a new user, and add it. */
export async function addUser(changed) {
  const email = field("E-mail", {
    name: "email", type: "email", attributes: { autocomplete: "off", autocapitalize: "none" },
    rule: (value) => (/^\S+@\S+$/.test(value.trim()) ? "" : "Enter an e-mail address, such as me@example.com."),
  });
  const names = nameFields({});
  const password = newPassword("Password");
  const rights = await rightsFields({});
  const done = await ask({
    title: "Add a user", action: "Add", body: [email, names.nodes, password, rights.nodes],
    run: async () => {
      const user = { email: email.value.trim(), ...names.values(), ...rights.values() };
      await post("/users", { ...user, password: password.value });
    },
  });
  if (!done) return;
  notify(`${email.value.trim()} is added.`);
  await changed();
}

/** Ask for other rights and names of a user. */
export async function editUser(user, changed) {
  const names = nameFields(user);
  const rights = await rightsFields(rightsOf(user));
  const done = await ask({
    title: `Edit ${user.email}`, action: "Save", body: [names.nodes, rights.nodes],
    run: () => put("/users", { ...user, ...names.values(), ...rights.values() }),
  });
  if (!done) return;
  notify(`${user.email} is saved.`);
  await changed();
}

/** Ask for a new password of a user. */
export async function setPassword({ email }, changed) {
  const password = newPassword("New password");
  const done = await ask({
    title: `New password of ${email}`, action: "Set the password", body: [password, h("p", { class: "dim" }, "Tell it to the user yourself: nothing is sent. Rights stay as they are.")],
    run: async () => {
      // The whole user is replaced: what it is now, not what the list was made of.
      const user = (await get("/user-list")).find((one) => one.email === email);
      if (!user) throw new Error("This user is not there any more.");
      await put("/users", { ...user, newPassword: password.value });
    },
  });
  if (!done) return;
  notify(`${email} has a new password.`);
  await changed();
}

const ORDER = ["READ_ONLY", "USER", "ADMIN"];

/**
 * Return a user's rights by application, or `system`: those of the map, and of the older pair of scope and
 * type; where both speak of the same, the lesser counts, as the daemon has it.
 */
export function rightsOf({ appNameUserType, scope, userType }) {
  const rights = {};
  for (const [name, right] of [...Object.entries(appNameUserType ?? {}), ...(scope && userType ? [[scope, userType]] : [])]) {
    rights[name] = ORDER[Math.min(ORDER.indexOf(right), ORDER.indexOf(rights[name] ?? right))] ?? right;
  }
  return rights;
}

function nameFields({ firstName, lastName }) {
  const first = field("First name", { name: "firstName", value: firstName ?? "" });
  const last = field("Last name", { name: "lastName", value: lastName ?? "" });
  return {
    nodes: h("div", { class: "two" }, first, last),
    values: () => ({ firstName: first.value.trim() || null, lastName: last.value.trim() || null }),
  };
}

/** Fields of rights: either one for everything, or one for each application. */
async function rightsFields(rights) {
  const known = (await get("/apps")).applications.map(({ name }) => name);
  const others = Object.keys(rights).filter((name) => name !== SYSTEM && !known.includes(name));
  const scope = h("div", { class: "stack" });
  const everything = radio("scope", "Everything", "all applications, users and the server", SYSTEM in rights);
  const single = radio("scope", "Single applications", "and nothing else", !(SYSTEM in rights));
  const roles = Object.entries(RIGHTS).reverse().map(([role, text]) => [role, `${role}: ${text}`]);
  const all = field("Right", { name: SYSTEM, type: "select", choices: roles, value: rights[SYSTEM] ?? "READ_ONLY" });
  const each = [...known, ...others].map((name) => [name, field(others.includes(name) ? `${name} (not there)` : name, {
    name: `role-${name}`, type: "select", choices: [[NONE, "nothing"], ...roles], value: rights[name] ?? NONE,
  })]);
  const message = h("p", { class: "message error", role: "alert" });
  const list = h("div", { class: "stack" }, each.length ? each.map(([, element]) => element) : h("p", { class: "dim" }, "There is no application yet."));

  function fit() {
    all.hidden = !everything.control.checked;
    list.hidden = everything.control.checked;
    message.textContent = "";
  }

  function values() {
    if (everything.control.checked) return { userType: all.value, scope: SYSTEM, appNameUserType: { [SYSTEM]: all.value } };
    return { userType: null, scope: null, appNameUserType: Object.fromEntries(each.map(([name, { value }]) => [name, value]).filter(([, value]) => value !== NONE)) };
  }

  const choice = h("fieldset", { "data-field": "rights" }, h("legend", null, "May"), everything, single);
  choice.check = () => {
    const isNone = !everything.control.checked && !Object.keys(values().appNameUserType).length;
    message.textContent = isNone ? "Choose a right in one application at least." : "";
    return !isNone;
  };
  choice.addEventListener("change", fit);
  list.addEventListener("change", () => (message.textContent = ""));
  scope.append(choice, all, list, message);
  fit();
  return { nodes: scope, values };
}

function radio(name, label, help, checked) {
  const own = id("radio");
  const control = h("input", { type: "radio", name, id: own, checked, "aria-describedby": `${own}-help` });
  const element = h("div", { class: "check" }, control, h("div", null, h("label", { for: own }, label), h("span", { class: "help", id: `${own}-help` }, help)));
  element.control = control;
  return element;
}
