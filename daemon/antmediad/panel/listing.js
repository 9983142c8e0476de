// A list that the daemon searches, sorts and gives out by pages.

import { debounced, fill, h, write } from "./dom.js";
import { field } from "./form.js";
import { count, figure } from "./format.js";
import { errorBox } from "./notice.js";
import { pager } from "./table.js";

const PAGE = 50;
const TYPING_MS = 300;

/**
 * What a page is asked for by; sort and order are empty for the daemon's own order.
 * @typedef {{offset: number, size: number, search: string, sort: string, order: string}} Wanted
 */

/**
 * Make the list; it is empty until `reload`.
 * @param {Object} options
 * @param {[string, string]} options.noun one, and many
 * @param {{label: string, placeholder?: string, help?: string}} options.search
 * @param {Array<[string, string]>} [options.sorts] "name asc", and what to say
 * @param {(wanted: Wanted) => Promise<{rows: Object[], total: ?number}>} options.page
 * @param {(rows: Object[]) => Node} options.draw
 * @param {(search: string) => Node} options.none what is shown when there is nothing
 * @returns {{element: HTMLElement, reload: () => Promise<void>, reset: () => Promise<void>}} reload: the page
 *   that is shown, reset: the first; what goes wrong is shown
 */
export function listing({ noun, search, sorts = [], page, draw, none }) {
  const find = field(search.label, { name: "search", type: "search", help: search.help, attributes: { placeholder: search.placeholder } });
  const order = sorts.length ? field("Sort by", { name: "sort", type: "select", choices: sorts }) : null;
  const refresh = h("button", { type: "button", onclick: reload }, "Refresh");
  const bar = h("div", { role: "search", class: "bar", "aria-label": noun[1] }, find, order, refresh);
  const said = h("p", { class: "dim", role: "status", tabindex: "-1" });
  const errors = errorBox();
  const place = h("div");
  const turns = h("div");
  let offset = 0;
  let turn = 0;

  async function load() {
    const own = (turn += 1);
    const [sort = "", direction = ""] = (order?.value ?? "").split(" ");
    const words = find.value.trim();
    const wanted = { offset, size: PAGE, search: words, sort, order: direction };
    const { rows, total } = await page(wanted);
    if (own !== turn) return;
    if (!rows.length && offset > 0) {
      // The last of this page is gone.
      offset = Math.max(0, offset - PAGE);
      await load();
      return;
    }
    errors.clear();
    find.hidden = !rows.length && !words && offset === 0;
    if (order) order.hidden = find.hidden;
    write(said, summary(rows.length, total, words));
    // A button in a row that was pressed is another one now, or none.
    const isLost = place.contains(document.activeElement);
    fill(place, rows.length ? draw(rows) : none(words));
    fill(turns, pager({ offset, size: PAGE, shown: rows.length, total }, turnTo));
    if (isLost) said.focus();
  }

  function summary(shown, total, words) {
    const number = total ?? offset + shown;
    if (!number) return words ? "Nothing found" : "";
    return `${total === null && shown === PAGE ? "More than " : ""}${count(number, ...noun)}${words ? " found" : ""}`
      + (number > shown ? `, ${figure(offset + 1)} to ${figure(offset + shown)} shown` : "");
  }

  async function reload() {
    try {
      await load();
    } catch (error) {
      if (error.name !== "AbortError") errors.show(error);
    }
  }

  function reset() {
    offset = 0;
    return reload();
  }

  async function turnTo(start) {
    offset = start;
    await reload();
    // The button that was pressed is another one now, or none.
    said.focus();
  }

  find.control.addEventListener("input", debounced(reset, TYPING_MS));
  order?.control.addEventListener("change", reset);
  return {
    element: h("div", { class: "listing" }, bar, said, errors, place, turns),
    reload,
    reset,
  };
}
