// Signing in, and the first user.

import { fill, h, id } from "./dom.js";
import { newPasswordRule, SHORTEST_PASSWORD } from "./account.js";
import { post } from "./api.js";
import { ask, validate } from "./dialog.js";
import { field } from "./form.js";
import { errorBox } from "./notice.js";
import { forget, readSession, session } from "./session.js";

const needed = (what) => (value) => (value.trim() ? "" : `Enter ${what}.`);

/** Show the form that fits: for signing in, or for making the first user. Returns once a user is there. */
export function signIn(main, reason) {
  return new Promise((resolve) => {
    const show = session.firstLogin ? firstUser : credentials;
    const heading = id("title");
    main.removeAttribute("aria-busy");
    const { title, intro, fields, action, run } = show(reason);
    const errors = errorBox();
    const button = h("button", { type: "submit", class: "primary" }, action);
    const form = h("form", { novalidate: true, "aria-labelledby": heading, onsubmit: submit },
      h("h1", { id: heading }, title), intro, fields, errors, button);

    async function submit(event) {
      event.preventDefault();
      if (button.disabled || !validate(form)) return;
      button.disabled = true;
      errors.clear();
      try {
        await run();
        resolve();
      } catch (error) {
        errors.show(error);
      } finally {
        button.disabled = false;
      }
    }

    fill(main, h("div", { class: "sign-in" },
      h("p", { class: "brand" }, h("img", { src: "/panel/icon.svg", alt: "", width: "32", height: "32" }), h("b", null, "antmediad")),
      form, session.version ? h("p", { class: "dim" }, `Version ${session.version}`) : null));
    document.title = `${title} · antmediad`;
    form.querySelector("input").focus();
  });
}

/** Ask for the password in a dialog, so that what is behind it stays. Returns whether a user is there. */
export function signInAgain() {
  const { intro, fields, run } = credentials("Your session has ended. Sign in to go on; what you typed is kept.");
  return ask({ title: "Sign in", action: "Sign in", body: [intro, fields], run });
}

function credentials(reason) {
  const email = field("E-mail", {
    name: "email", type: "email", attributes: { autocomplete: "username" }, rule: needed("your e-mail address"),
  });
  const password = field("Password", {
    name: "password", type: "password", attributes: { autocomplete: "current-password" }, rule: needed("your password"),
  });
  return {
    title: "Sign in",
    intro: reason ? h("p", { class: "intro" }, reason) : null,
    fields: [email, password],
    action: "Sign in",
    run: () => authenticate(email.value.trim(), password.value),
  };
}

async function authenticate(email, password) {
  try {
    await post("/users/authenticate", { email, password });
  } catch (error) {
    // As Ant Media Server has it, a wrong password is refused without a word.
    if (error.status === 200 && error.message.startsWith("The daemon refused")) error.message = "E-mail address or password is wrong.";
    throw error;
  }
  await readSession();
  if (!session.user) {
    forget();
    throw new Error("Signed in, but the browser did not keep the session's cookie. Are cookies allowed for this address?");
  }
}

function firstUser() {
  const code = session.setupCodeRequired
    ? field("Set-up code", {
      name: "setupCode", rule: needed("the set-up code"),
      help: "The daemon logged it when it started. It shows that you have access to the machine.",
    })
    : null;
  const email = field("E-mail", {
    name: "email", type: "email", attributes: { autocomplete: "username" },
    rule: (value) => (/^\S+@\S+$/.test(value.trim()) ? "" : "Enter an e-mail address, such as me@example.com."),
  });
  const firstName = field("First name", { name: "firstName", attributes: { autocomplete: "given-name" } });
  const lastName = field("Last name", { name: "lastName", attributes: { autocomplete: "family-name" } });
  const password = field("Password", {
    name: "password", type: "password", attributes: { autocomplete: "new-password" },
    help: `${SHORTEST_PASSWORD} characters or more.`,
    rule: newPasswordRule,
  });
  return {
    title: "Set up antmediad",
    intro: h("p", { class: "intro" }, "There is no user yet. Make the first one: it administers everything."),
    fields: [code, email, h("div", { class: "two" }, firstName, lastName), password],
    action: "Create the user and sign in",
    run: async () => {
      const user = { email: email.value.trim(), firstName: firstName.value.trim(), lastName: lastName.value.trim() };
      await post("/users/initial", { ...user, password: password.value, ...(code ? { setupCode: code.value.trim() } : {}) });
      await authenticate(user.email, password.value);
    },
  };
}
