// Users and their rights.

import { fill, h } from "./dom.js";
import { at, get, remove } from "./api.js";
import { ask } from "./dialog.js";
import { badge, notify } from "./notice.js";
import { isAdmin, seesSystem, session } from "./session.js";
import { table } from "./table.js";
import { addUser, editUser, rightsOf, setPassword } from "./user_form.js";

export async function show({ signal }) {
  if (!seesSystem()) {
    return { title: "Users", nodes: [h("h1", null, "Users"), h("p", null, "Only users with a right to everything see the others. Your own account is behind your name, above.")] };
  }
  const mayEdit = isAdmin("system");
  const heading = h("h1", { tabindex: "-1" }, "Users");
  const place = h("div");

  async function draw() {
    const users = await get("/user-list", { signal });
    // The button that was pressed is another one now, or none.
    const isLost = place.contains(document.activeElement);
    fill(place, list(users));
    if (isLost) heading.focus();
  }

  function list(users) {
    return table("Users", [{ title: "E-mail", class: "roomy" }, { title: "Name", class: "tight" }, "May", ...(mayEdit ? [""] : [])], users.map((user) => [
      [h("b", null, user.email), isSelf(user) ? [" ", h("span", { class: "tag" }, "you")] : null],
      nameOf(user),
      rightsBadges(rightsOf(user)),
      ...(mayEdit ? [isSelf(user) ? null : buttons(user)] : []),
    ]));
  }

  function buttons(user) {
    const button = (text, kind, run) => h("button", { type: "button", class: kind, "aria-label": `${text}: ${user.email}`, onclick: run }, text);
    return h("div", { class: "buttons" },
      button("Edit", "small", () => editUser(user, draw)),
      button("New password", "small", () => setPassword(user, draw)),
      button("Remove", "small quiet", () => removeUser(user, draw)));
  }

  await draw();
  return {
    title: "Users",
    section: "users",
    nodes: [h("div", { class: "head" }, heading,
      mayEdit ? h("button", { type: "button", class: "primary", onclick: () => addUser(draw) }, "Add a user") : null), place],
  };
}

function isSelf({ email }) {
  return email.toLowerCase() === session.user.email?.toLowerCase();
}

function nameOf({ firstName, lastName, fullName }) {
  return [firstName, lastName].filter(Boolean).join(" ") || fullName || "";
}

function rightsBadges(rights) {
  const all = Object.entries(rights);
  if (!all.length) return badge("warning", "nothing");
  return h("ul", { class: "filters" }, all.map(([name, right]) =>
    h("li", null, h("span", { class: "tag" }, name === "system" ? "Everywhere" : name, ": ", right))));
}

async function removeUser({ email }, changed) {
  const done = await ask({
    title: `Remove ${email}?`, action: "Remove the user", danger: true,
    body: h("p", null, "Whoever is signed in by that name is signed out at once. What the user did stays on record."),
    run: () => remove(at`/users/${email}`),
  });
  if (!done) return;
  notify(`${email} is removed.`);
  await changed();
}
