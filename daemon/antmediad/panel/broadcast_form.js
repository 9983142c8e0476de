// The dialogs that make and edit a broadcast.

import { h } from "./dom.js";
import { get, post, put, restOf } from "./api.js";
import { ask } from "./dialog.js";
import { field } from "./form.js";
import { notify } from "./notice.js";

const LONGEST_ID = 255;
const ID = /^[A-Za-z0-9._-]*$/;
const SOURCE = /^(https?|rtmps?|rtsps?|udp|srt):\/\/./;
const HOOK = /^https?:\/\/./;

const needsSource = (value) => (SOURCE.test(value.trim()) ? "" : "Enter an address that begins with http, https, rtmp, rtsp, srt or udp.");

/** Fields that are for some types only. */
const OF_TYPE = { streamUrl: ["streamSource"], ipAddr: ["ipCamera"], username: ["ipCamera"], password: ["ipCamera"] };

function fieldsOf(broadcast) {
  const text = (name) => broadcast[name] ?? "";
  return {
    name: field("Name", { name: "name", value: text("name") }),
    streamUrl: field("Address of the source", { name: "streamUrl", value: text("streamUrl"), rule: needsSource, attributes: { placeholder: "rtsp://192.0.2.1/stream" } }),
    ipAddr: field("Address of the camera", {
      name: "ipAddr", value: text("ipAddr"), attributes: { placeholder: "192.0.2.1:8080" },
      rule: (value) => (value.trim() ? "" : "Enter the address of the camera."),
    }),
    username: field("User name at the camera", { name: "username", value: text("username") }),
    password: field("Password at the camera", {
      name: "password", type: "password", attributes: { autocomplete: "new-password" },
      help: broadcast.password ? "One is set. Leave this empty to keep it." : null,
    }),
    description: field("Description", { name: "description", value: text("description") }),
    category: field("Category", { name: "category", value: text("category") }),
    metaData: field("Metadata", { name: "metaData", type: "textarea", value: text("metaData"), help: "Any text, often JSON. It is kept as it is.", attributes: { rows: "3" } }),
    listenerHookURL: field("Webhook", {
      name: "listenerHookURL", type: "url", value: text("listenerHookURL"), attributes: { placeholder: "https://example.com/hook" },
      help: "Told when the broadcast starts and ends. Empty: that of the application.",
      rule: (value) => (value.trim() === "" || HOOK.test(value.trim()) ? "" : "Enter an address that begins with http:// or https://."),
    }),
  };
}

/** Show the fields that a type has; those that are not shown have no rule to keep. */
function fit(fields, type) {
  for (const [name, types] of Object.entries(OF_TYPE)) {
    const element = fields[name];
    element.rule ??= element.check;
    element.hidden = !types.includes(type);
    element.check = element.hidden ? () => true : element.rule;
  }
}

function filled(fields) {
  return Object.entries(fields).filter(([, element]) => !element.hidden)
    // A description may begin with a space, a password as well; an address may not.
    .map(([name, element]) => [name, ["password", "metaData", "description"].includes(name) ? element.value : element.value.trim()]);
}

/** Ask for a new broadcast, and make it. */
export async function createBroadcast(application, changed) {
  const fields = fieldsOf({});
  const own = field("Stream id", {
    name: "streamId", help: "What publishers and players name it by. Empty: one is made up.",
    attributes: { autocapitalize: "none", maxlength: "300" },
    rule: (value) => {
      if (!ID.test(value.trim())) return "Use A-Z, a-z, 0-9, dot, hyphen and underscore only.";
      return value.trim().length > LONGEST_ID ? `Use ${LONGEST_ID} characters at most.` : "";
    },
  });
  const type = field("Type", {
    name: "type", type: "select", choices: [["liveStream", "live stream, published by an encoder or a browser"], ["streamSource", "stream source, fetched from elsewhere"], ["ipCamera", "IP camera"]],
  });
  type.control.addEventListener("change", () => fit(fields, type.value));
  fit(fields, type.value);
  let made = null;
  const { name, ...others } = fields;
  const done = await ask({
    title: "New broadcast", action: "Create", body: [name, own, type, Object.values(others)],
    run: async () => {
      const values = Object.fromEntries(filled(fields).filter(([, value]) => value !== ""));
      if (own.value.trim()) values.streamId = own.value.trim();
      made = await post(restOf(application, ["broadcasts", "create"]), { ...values, type: type.value });
    },
  });
  if (!done) return;
  notify(`${made.name || made.streamId} is created.`);
  await changed();
}

/** Ask what to change about a broadcast, and change that, and nothing else. */
export async function editBroadcast(application, id, changed) {
  const path = restOf(application, ["broadcasts", id]);
  let broadcast;
  try {
    broadcast = await get(path);
  } catch (error) {
    notify(error.status === 404 ? `${id} is not there any more.` : `${id} could not be read: ${error.message}`);
    if (error.status === 404) await changed();
    return;
  }
  const fields = fieldsOf(broadcast);
  fit(fields, broadcast.type);
  const done = await ask({
    title: `Edit ${broadcast.name || id}`, action: "Save",
    body: [h("p", { class: "dim" }, "Stream id ", h("code", null, id)), Object.values(fields)],
    run: async () => {
      const changes = Object.fromEntries(filled(fields)
        .filter(([name, value]) => (name === "password" ? value !== "" : value !== (broadcast[name] ?? ""))));
      if (Object.keys(changes).length) await put(path, changes);
    },
  });
  if (!done) return;
  notify(`${fields.name.value.trim() || id} is saved.`);
  await changed();
}
