// Puts a certificate of one's own in place.

import { h } from "./dom.js";
import { call, query } from "./api.js";
import { cardForm } from "./card_form.js";
import { field } from "./form.js";
import { notify } from "./notice.js";

const TIMEOUT_MS = 60_000;
const LARGEST_BYTES = 1_000_000;
const DOMAIN = /^([A-Za-z0-9-]{1,63}\.){1,10}[A-Za-z]{2,63}$/;

const CERTIFICATE = /-----BEGIN CERTIFICATE-----/;
const KEY = /-----BEGIN ([A-Z]+ )?PRIVATE KEY-----/;
const LOCKED_KEY = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m;

export async function show({ signal }) {
  const domain = field("Domain name", {
    name: "domain", attributes: { placeholder: "media.example.com", autocapitalize: "none" },
    rule: (value) => (DOMAIN.test(value.trim()) ? "" : "Enter a whole name, such as media.example.com."),
  });
  const files = {
    fullChainFile: fileField("Full chain", "The server’s certificate, and those of the authorities that signed it: often fullchain.pem.", CERTIFICATE, "certificate"),
    privateKeyFile: fileField("Private key", "Without a passphrase: often privkey.pem. It goes to this daemon only.", KEY, "private key"),
    chainFile: fileField("Chain", "The authorities’ certificates without the server’s: often chain.pem. If you have none, choose the full chain again.", CERTIFICATE, "certificate"),
  };
  const isPlain = location.protocol === "http:" && !["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  const form = cardForm({
    title: "Use a certificate of your own",
    intro: [h("p", { class: "dim" }, "The three files are in PEM form, text that begins with -----BEGIN. They are checked first; what serves now stays if they do not fit."),
      isPlain ? h("p", { class: "note warning" }, "This page came over plain HTTP: whoever is on the way could read the private key. Better put the files on the machine yourself, and name them in the settings http.ssl_*.") : null],
    fields: [domain, Object.values(files)],
    action: "Use this certificate",
    run: async () => {
      const all = await Promise.all(Object.values(files).map((each) => each.inspect()));
      if (all.includes(false)) {
        Object.values(files)[all.indexOf(false)].control.focus();
        return;
      }
      const body = new FormData();
      for (const [name, each] of Object.entries(files)) body.append(name, each.control.files[0]);
      await call("POST", query("/ssl-settings", { domain: domain.value.trim(), type: "CUSTOM_CERTIFICATE" }), { form: body, timeoutMs: TIMEOUT_MS, signal });
      for (const each of Object.values(files)) each.value = "";
      notify(`The certificate of ${domain.value.trim()} is in use.`);
    },
  });
  return { nodes: h("div", { class: "stack narrow" }, h("h2", { class: "unseen" }, "Certificate"), form) };
}

/** A field of one file; it is looked into as soon as it is chosen, and by `inspect`. */
function fileField(label, help, pattern, what) {
  let wrong = "";
  const element = field(label, {
    name: label, type: "file", help, attributes: { accept: ".pem,.crt,.cer,.key,application/x-pem-file" },
    rule: () => {
      const [file] = element.control.files;
      if (!file) return "Choose a file.";
      return file.size > LARGEST_BYTES ? "This is too large to be one." : wrong;
    },
  });
  element.inspect = async () => {
    const [file] = element.control.files;
    wrong = "";
    if (file?.size <= LARGEST_BYTES) wrong = wrongWith(await file.text(), pattern, what);
    return element.check();
  };
  element.control.addEventListener("change", element.inspect);
  return element;
}

function wrongWith(text, pattern, what) {
  if (pattern === KEY && LOCKED_KEY.test(text)) return "This key has a passphrase. Take it off first: openssl pkey -in OLD -out NEW.";
  return pattern.test(text) ? "" : `There is no ${what} in PEM form in this file.`;
}
