// Shows openapi.json, and sends the calls that are filled in.

const api = document.body.dataset.api;
const search = document.getElementById("search");
const token = document.getElementById("token");
const found = document.getElementById("found");
const list = document.getElementById("list");

let description = null;
let shown = [];

/** Make an element; children are elements or texts, never markup. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.filter((child) => child !== null));
  return element;
}

function resolve(object) {
  if (!object || !object.$ref) return object;
  return object.$ref.slice(2).split("/").reduce((place, key) => place[key], description);
}

function headers() {
  return token.value.trim() ? { Authorization: token.value.trim() } : {};
}

/** Name a schema's type: text such as "integer or null", "list of Broadcast". */
function typeOf(schema) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.oneOf) return schema.oneOf.map(typeOf).join(" or ");
  const types = [schema.type ?? "any"].flat().map((type) => {
    if (type === "array") return `list of ${typeOf(schema.items)}`;
    return type === "integer" && schema.format ? schema.format : type;
  });
  return types.join(" or ");
}

/** Find the object schemas that a schema refers to. */
function objectsIn(schema) {
  if (schema.$ref) return [schema];
  if (schema.oneOf) return schema.oneOf.flatMap(objectsIn);
  return schema.items ? objectsIn(schema.items) : [];
}

function schemaView(schema) {
  const rows = Object.entries(schema.properties ?? {}).map(([name, property]) =>
    make("li", {}, make("code", {}, name), " ", make("span", { class: "type" }, typeOf(property)),
      property.deprecated ? make("span", { class: "type" }, ", an older name") : null,
      ...objectsIn(property).map(schemaDetails)));
  return make("ul", { class: "schema" }, ...rows);
}

/** Show an object schema on demand: its rows are made when it is opened. */
function schemaDetails(reference) {
  const details = make("details", {}, make("summary", {}, `Properties of ${typeOf(reference)}`));
  details.addEventListener("toggle", () => details.append(schemaView(resolve(reference))), { once: true });
  return details;
}

function parameterField(parameter) {
  const { name, schema, required, description: about } = parameter;
  const attributes = { name, "data-in": parameter.in, autocomplete: "off", spellcheck: "false" };
  if (required) attributes.required = "";
  let input;
  if (schema.type === "boolean") {
    input = make("select", attributes, ...["", "true", "false"].map((value) =>
      make("option", { value }, value || "not sent")));
  } else {
    if (schema.type === "integer") attributes.inputmode = "numeric";
    input = make("input", attributes);
    if (name === "offset") input.value = "0";
    if (name === "size") input.value = "50";
  }
  return make("label", {}, make("b", {}, name), ` ${typeOf(schema)}${required ? "" : ", optional"}`,
    about ? ` · ${about}` : "", input);
}

function bodyField(operation) {
  const [kind, content] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  if (!kind) return null;
  if (kind === "multipart/form-data") {
    return make("label", {}, "File", make("input", { type: "file", name: "file", "data-in": "form" }));
  }
  const area = make("textarea", { "data-in": "body", spellcheck: "false", rows: "8" });
  const objects = objectsIn(content.schema);
  if (objects.length) area.value = [content.schema.type].flat()[0] === "array" ? "[]" : "{}";
  return make("div", {}, make("label", {}, objects.length ? "JSON" : "Text", area), ...objects.map(schemaDetails));
}

/** Make the request that a filled-in form stands for. */
function requestOf(form, method, path) {
  const query = new URLSearchParams();
  const options = { method: method.toUpperCase(), headers: headers() };
  for (const field of form.querySelectorAll("[data-in]")) {
    const { in: place } = field.dataset;
    if (place === "path") path = path.replace(`{${field.name}}`, encodeURIComponent(field.value));
    if (place === "query" && field.value !== "") query.append(field.name, field.value);
    if (place === "body" && field.value.trim()) {
      options.body = field.value;
      options.headers["Content-Type"] = "application/json";
    }
    if (place === "form" && field.files[0]) {
      options.body = new FormData();
      options.body.append("file", field.files[0]);
    }
  }
  return [api + path + (query.size ? `?${query}` : ""), options];
}

function quote(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function curlOf(url, options) {
  const parts = ["curl", quote(location.origin + url)];
  if (options.method !== "GET") parts.push("-X", options.method);
  if (options.headers.Authorization) parts.push("-H", '"Authorization: $TOKEN"');
  if (typeof options.body === "string") {
    parts.push("-H", quote(`Content-Type: ${options.headers["Content-Type"]}`), "--data-binary", quote(options.body));
  } else if (options.body) {
    parts.push("-F", "file=@FILE");
  }
  return parts.join(" ");
}

async function send(form, output, method, path) {
  const [url, options] = requestOf(form, method, path);
  const button = form.querySelector("button");
  button.disabled = true;
  const start = performance.now();
  const shownParts = [];
  try {
    const response = await fetch(url, options);
    const body = await response.text();
    let pretty = body;
    try {
      pretty = JSON.stringify(JSON.parse(body), null, 2);
    } catch { /* shown as it came */ }
    shownParts.push(make("p", {}, make("span", { class: response.ok ? "good" : "bad" },
      `${response.status} ${response.statusText}`), ` in ${Math.round(performance.now() - start)} ms`));
    // Numbers of more than 53 bits would not survive being parsed.
    shownParts.push(make("pre", { tabindex: "0" }, /\d{16}/.test(body) ? body : pretty || "(empty)"));
  } catch (error) {
    shownParts.push(make("p", { class: "bad" }, `Not sent: ${error.message}`));
  }
  shownParts.push(make("pre", { tabindex: "0" }, curlOf(url, options)));
  output.replaceChildren(...shownParts);
  button.disabled = false;
}

function operationBody({ method, path, operation }) {
  const parameters = (operation.parameters ?? []).map(resolve);
  const output = make("div", { role: "status", "aria-label": "Answer" });
  const body = bodyField(operation);
  const form = make("form", {},
    parameters.length ? make("h3", {}, "Parameters") : null,
    parameters.length ? make("div", { class: "fields" }, ...parameters.map(parameterField)) : null,
    body ? make("h3", {}, "Body") : null, body,
    make("div", { class: "send" }, make("button", {}, "Send"),
      make("span", { class: "type" }, method === "get" ? "" : "changes data on this server")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form, output, method, path);
  });
  const answers = Object.entries(operation.responses).map(([status, reference]) => {
    const response = resolve(reference);
    const schema = Object.values(response.content ?? {})[0]?.schema;
    return make("li", {}, make("code", { class: status < 300 ? "good" : "" }, status), ` ${response.description}`,
      schema ? make("span", { class: "type" }, ` · ${typeOf(schema)}`) : null,
      ...(schema && !reference.$ref ? objectsIn(schema).map(schemaDetails) : []));
  });
  return make("div", {}, make("div", { class: "columns" },
    make("section", {}, form, output),
    make("section", {}, make("h3", {}, "Answers"), make("ul", { class: "answers" }, ...answers))));
}

function operationView(entry) {
  const { method, path, operation } = entry;
  const details = make("details", { class: "operation", id: operation.operationId }, make("summary", {},
    make("span", { class: `method ${method}` }, method.toUpperCase()),
    make("span", { class: "path" }, path),
    make("span", { class: "what" }, operation.summary)));
  details.addEventListener("toggle", () => details.append(operationBody(entry)), { once: true });
  details.addEventListener("toggle", () => {
    if (details.open) history.replaceState(null, "", `#${operation.operationId}`);
  });
  return { details, text: `${method} ${path} ${operation.summary}`.toLowerCase() };
}

function show() {
  document.getElementById("version").textContent = `· ${description.info.version}`;
  const entries = Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })));
  shown = description.tags.map((tag) => {
    const operations = entries.filter(({ operation }) => operation.tags[0] === tag.name).map(operationView);
    const section = make("section", { "aria-label": tag.name },
      make("h2", {}, tag.name, make("small", {}, tag.description)),
      ...operations.map(({ details }) => details));
    return { section, operations };
  });
  list.replaceChildren(...shown.map(({ section }) => section));
  filter();
  const target = document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.scrollIntoView();
  }
}

function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const { section, operations } of shown) {
    let any = false;
    for (const { details, text } of operations) {
      const matches = words.every((word) => text.includes(word));
      details.hidden = !matches;
      any ||= matches;
      count += matches;
    }
    section.hidden = !any;
  }
  if (description) found.textContent = `${count} ${count === 1 ? "endpoint" : "endpoints"}`;
}

async function load() {
  try {
    const response = await fetch(`${api}/openapi.json`, { headers: headers() });
    if (!response.ok) throw new Error(`${response.status}: ${(await response.json()).message}`);
    description = await response.json();
    show();
  } catch (error) {
    found.textContent = `The description cannot be loaded. ${error.message}`;
  }
}

document.getElementById("controls").addEventListener("submit", (event) => event.preventDefault());
search.addEventListener("input", filter);
token.addEventListener("change", () => {
  if (!description) load();
});
load();
