// Starts the panel: who is there, the bar above, the views, and the figures every two seconds.

import { fill, h, write } from "./dom.js";
import { showAccount } from "./account.js";
import { get, onSignedOut, remove } from "./api.js";
import { ask } from "./dialog.js";
import { announce, notify } from "./notice.js";
import { Router, to } from "./router.js";
import { forget, readSession, seesSystem, session } from "./session.js";
import { signIn, signInAgain } from "./sign_in.js";
import { record } from "./traffic.js";
import * as activity from "./activity.js";
import * as application from "./application.js";
import * as applications from "./applications.js";
import * as server from "./server.js";
import * as users from "./users.js";

const POLL_MS = 2000;

const SECTIONS = [
  ["applications", "Applications", () => true],
  ["activity", "Activity", () => true],
  ["users", "Users", seesSystem],
  ["server", "Server", seesSystem],
];

const ROUTES = {
  "": applications.show,
  "/": applications.show,
  "/applications": applications.show,
  "/applications/:name": application.show,
  "/applications/:name/:tab": application.show,
  "/activity": activity.show,
  "/activity/:tab": activity.show,
  "/users": users.show,
  "/server": server.show,
  "/server/:tab": server.show,
};

const bar = document.getElementById("bar");
const main = document.getElementById("main");
const connection = h("p", { class: "connection", role: "status" });
const router = new Router(ROUTES, main, (view) => {
  mark(view.section);
  main.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
});
const links = new Map();

let shownFor = null; // the e-mail address that the views are made for
let asking = null;
let timer = 0;
let turn = 0;

function drawBar() {
  links.clear();
  const allowed = SECTIONS.filter(([, , may]) => may());
  const name = [session.user.firstName, session.user.lastName].filter(Boolean).join(" ") || session.user.email;
  fill(bar,
    h("a", { class: "brand", href: "#/applications" }, h("img", { src: "/panel/icon.svg", alt: "", width: "26", height: "26" }),
      h("b", null, "antmediad")),
    h("nav", { "aria-label": "Main" }, h("ul", null, allowed.map(([section, title]) => {
      const link = h("a", { href: to(section) }, title);
      links.set(section, link);
      return h("li", null, link);
    }))),
    h("div", { class: "account" },
      h("button", { type: "button", class: "quiet who", title: "Your account", onclick: showAccount }, name),
      h("button", { type: "button", class: "quiet", onclick: signOut }, "Sign out")),
    connection);
  bar.hidden = false;
}

function mark(section) {
  for (const [name, link] of links) {
    if (name === section) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

async function signOut() {
  if (!(await mayLeave("Sign out"))) return;
  try {
    await remove("/users/logout");
  } catch (error) {
    if (session.user) {
      notify(`Not signed out: ${error.message}`);
      return;
    }
  }
  // The document goes, and with it whatever it holds of secrets.
  router.leave();
  history.replaceState(null, "", location.pathname);
  location.reload();
}

async function mayLeave(action = "Leave") {
  if (action !== "Leave" && !router.isDirty) return true;
  return ask({
    title: "Discard the changes?", action: action === "Leave" ? "Discard" : `${action}, discard`, danger: true,
    body: h("p", null, "What you changed here is not saved."),
  });
}

/** The session has ended: ask for the password, and go on where one was. */
function ended() {
  if (asking) return;
  const expired = shownFor !== null;
  forget();
  stopPolling();
  if (expired && router.isDirty) {
    asking = signInAgain().then((done) => {
      asking = null;
      return done ? enter() : location.reload();
    });
    return;
  }
  askToSignIn(expired ? "Your session has ended. Sign in to go on where you were." : "");
}

function askToSignIn(reason) {
  asking = signIn(main, reason).then(async () => {
    asking = null;
    shownFor = null;
    await enter();
  });
  bar.hidden = true;
}

async function enter() {
  if (!session.user) return askToSignIn("");
  drawBar();
  poll();
  if (shownFor === session.user.email) return;
  const first = shownFor === null;
  shownFor = session.user.email;
  await (first && !router.isStarted ? router.start(mayLeave) : router.show());
}

async function poll() {
  const own = stopPolling();
  if (document.hidden || !session.user) return;
  try {
    const apps = await get("/apps");
    if (own !== turn) return;
    record(apps.applications, performance.now());
    router.refresh(apps);
    write(connection, "");
  } catch (error) {
    if (own !== turn) return;
    // Said once, with the time of the first failure.
    if (!connection.textContent) {
      const what = error.status === 0 ? "No connection" : "No new figures";
      write(connection, `${what} since ${new Date().toLocaleTimeString()}; trying again. ${error.message}`);
    }
  }
  timer = setTimeout(poll, POLL_MS);
}

/** Stop, and make what is on its way be ignored. Returns the number of the turn that may begin. */
function stopPolling() {
  clearTimeout(timer);
  turn += 1;
  return turn;
}

async function begin() {
  onSignedOut(ended);
  document.addEventListener("visibilitychange", () => (document.hidden ? stopPolling() : poll()));
  document.addEventListener("figures", poll);
  // A link to a place on the page, such as "Skip to the content", is not an address of a view.
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
  });
  try {
    await readSession();
  } catch (error) {
    fill(main, h("div", { class: "sign-in" }, h("h1", null, "antmediad"), h("p", { role: "alert" }, error.message),
      h("button", { type: "button", class: "primary", onclick: () => location.reload() }, "Try again")));
    announce(error.message);
    return;
  }
  await enter();
}

begin();
