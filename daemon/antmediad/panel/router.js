// Shows the view that the address names, one at a time: #/applications/LiveApp/history.

import { fill, h } from "./dom.js";

/**
 * What a view's `show` returns.
 * @typedef {Object} View
 * @property {string} title of the document, and of the view
 * @property {*} nodes what is shown in main; has one h1
 * @property {string} [section] which entry of the navigation is marked as current
 * @property {HTMLElement} [focus] what gets the focus on arrival, if not the h1
 * @property {(apps: Apps) => void} [refresh] called with what GET /apps answers, every two seconds;
 *   updates in place, so that focus and selection stay
 * @property {() => boolean} [isDirty] whether leaving would lose what was typed
 * @property {() => void} [stop] called once when the view is left
 */

/**
 * What a view's `show` gets.
 * @typedef {Object} Context
 * @property {Object<string, string>} params from the address, decoded
 * @property {AbortSignal} signal aborted when the view is left; for `get` and `addEventListener`
 * @property {?Apps} apps the latest answer of GET /apps, null before the first
 */

/** @typedef {{applications: Object[], server: ?Object}} Apps */

export class Router {
  #routes;
  #main;
  #shown;
  #apps = null;
  #view = null;
  #stay = null;
  #address = null;
  #leaving = new AbortController();

  /** Whether the address is followed. */
  isStarted = false;

  /**
   * @param {Object<string, (context: Context) => Promise<View>>} routes by pattern: "/applications/:name"
   * @param {HTMLElement} main
   * @param {(view: View) => void} shown called after a view is there
   */
  constructor(routes, main, shown) {
    this.#routes = Object.entries(routes).map(([pattern, show]) => [pattern.split("/"), show]);
    this.#main = main;
    this.#shown = shown;
  }

  /** Whether leaving the view would lose what was typed. */
  get isDirty() {
    return this.#view?.isDirty?.() ?? false;
  }

  /** Begin to follow the address. `mayLeave` is asked, and answers later, while a view is dirty. */
  start(mayLeave) {
    this.isStarted = true;
    addEventListener("hashchange", () => this.#follow(mayLeave));
    addEventListener("beforeunload", (event) => {
      if (this.isDirty) event.preventDefault();
    });
    return this.show();
  }

  /** Show what the address names, anew. */
  async show({ keepFocus = false } = {}) {
    this.#address = location.hash;
    this.leave();
    const leaving = (this.#leaving = new AbortController());
    const [show, params] = this.#find(location.hash);
    this.#main.setAttribute("aria-busy", "true");
    let view;
    try {
      view = await show({ params, signal: leaving.signal, apps: this.#apps });
    } catch (error) {
      if (leaving.signal.aborted) return;
      view = failed(error, () => this.show());
    }
    if (leaving.signal.aborted) {
      view.stop?.();
      return;
    }
    this.#view = view;
    this.#main.removeAttribute("aria-busy");
    fill(this.#main, view.nodes);
    document.title = `${view.title} · antmediad`;
    this.#shown(view);
    if (!keepFocus) arrive(view, this.#main);
    if (this.#apps) view.refresh?.(this.#apps);
  }

  /** Hand the latest figures to the view. */
  refresh(apps) {
    this.#apps = apps;
    if (apps) this.#view?.refresh?.(apps);
  }

  async #follow(mayLeave) {
    if (location.hash === this.#address) return;
    if (this.#stay) return;
    if (this.isDirty) {
      // The address has moved on already: back, while we ask.
      const wanted = location.hash || "#/";
      history.replaceState(null, "", this.#address || "#/");
      this.#stay = mayLeave();
      const leave = await this.#stay;
      this.#stay = null;
      if (!leave) return;
      history.pushState(null, "", wanted);
    }
    await this.show();
  }

  /** Stop the view that is shown; what was typed is given up. */
  leave() {
    this.#leaving.abort();
    this.#view?.stop?.();
    this.#view = null;
  }

  #find(hash) {
    const path = hash.replace(/^#/, "").split("?")[0].split("/");
    for (const [pattern, show] of this.#routes) {
      const params = matched(pattern, path);
      if (params) return [show, params];
    }
    return [notFound, {}];
  }
}

function matched(pattern, path) {
  if (pattern.length !== path.length) return null;
  const params = {};
  for (const [index, part] of pattern.entries()) {
    if (part.startsWith(":")) {
      try {
        params[part.slice(1)] = decodeURIComponent(path[index]);
      } catch {
        return null;
      }
      if (!path[index]) return null;
    } else if (part !== path[index]) return null;
  }
  return params;
}

function arrive(view, main) {
  const heading = view.focus ?? main.querySelector("h1") ?? main;
  if (heading.tabIndex < 0) heading.setAttribute("tabindex", "-1");
  heading.focus({ preventScroll: true });
  scrollTo(0, 0);
}

async function notFound() {
  return {
    title: "Not found",
    nodes: [h("h1", null, "There is nothing here"), h("p", null, h("a", { href: "#/applications" }, "Go to the applications"))],
  };
}

function failed(error, again) {
  return {
    title: "Could not be shown",
    nodes: [
      h("h1", null, "This could not be shown"),
      h("p", { role: "alert" }, error.message),
      h("p", null, h("button", { type: "button", class: "primary", onclick: again }, "Try again"), " ",
        h("a", { href: "#/applications" }, "Go to the applications")),
    ],
  };
}

/** Say that something was changed: the figures are fetched now, not in two seconds. */
export function askForFigures() {
  document.dispatchEvent(new Event("figures"));
}

/** Write an address within the panel: to("applications", name). */
export function to(...parts) {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}
