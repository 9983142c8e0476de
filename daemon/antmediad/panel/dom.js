// Builds what is shown.  Text goes in as text: nothing here, or anywhere in the panel, parses markup.

const SVG = "http://www.w3.org/2000/svg";

// What has to be set as a property: as an attribute it would only be the initial value.
const PROPERTIES = new Set(["value", "checked", "disabled", "hidden", "open", "readOnly", "required", "selected", "multiple"]);

let made = 0;

/**
 * Make an element.
 * @param {string} tag
 * @param {?Object<string, *>} properties attributes; `onclick` and the like are listeners; null,
 *   undefined and false leave one out
 * @param {...*} children nodes, texts and numbers, nested as you like; null and false are left out
 * @returns {HTMLElement}
 */
export function h(tag, properties, ...children) {
  const element = document.createElement(tag);
  assign(element, properties);
  element.append(...nodes(children));
  return element;
}

/** Make an SVG element; as `h`. */
export function svg(tag, properties, ...children) {
  const element = document.createElementNS(SVG, tag);
  assign(element, properties);
  element.append(...nodes(children));
  return element;
}

function assign(element, properties) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (PROPERTIES.has(name) && name in element) element[name] = value ?? "";
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
}

/** Flatten children; texts become text nodes. */
export function nodes(children) {
  return [children].flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : document.createTextNode(String(child))));
}

/** Put other children into an element. */
export function fill(element, ...children) {
  element.replaceChildren(...nodes(children));
  return element;
}

/** Set a text, only if it is another one: a live region would say it again. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Return an id that no other element has. */
export function id(name) {
  made += 1;
  return `${name}-${made}`;
}

/** Wait until nobody has called for a while, then call. The returned function has `cancel`. */
export function debounced(call, milliseconds) {
  let timer = 0;
  const later = (...parameters) => {
    clearTimeout(timer);
    timer = setTimeout(() => call(...parameters), milliseconds);
  };
  later.cancel = () => clearTimeout(timer);
  return later;
}
