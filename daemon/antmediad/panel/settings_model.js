// The settings of one file: as they are in force, and what is typed but not saved.

import { ApiError, get, post } from "./api.js";

// The API shows more than these in place of a secret, also within a JSON object.
const MASK = "********";

let forms = null;

/** Return the description of every setting, `{application, server}`; it is fetched once. */
export async function settingsForm() {
  forms ??= get("/settings-form").catch((error) => {
    forms = null;
    throw error;
  });
  return forms;
}

export class SettingsModel {
  /** @type {Map<string, {text: string, isDefault: boolean, isSet: boolean, origin: ?Object}>} */
  values = new Map();

  /** What is to be saved: a text, or null for the default. @type {Map<string, ?string>} */
  edits = new Map();

  /** Keys that were edited here and changed on disk. @type {Set<string>} */
  conflicts = new Set();

  unknown = [];
  problems = [];
  found = []; // the problems of what is typed
  generation = 0;
  state = "";

  #base;
  #digest = "";
  #settings;
  #spellings;
  #checking = null;

  /**
   * @param {string} base below /rest/v2: "/apps/LiveApp" or "/server"
   * @param {Object[]} groups of the form
   */
  constructor(base, groups) {
    this.#base = base;
    const settings = groups.flatMap((group) => group.settings);
    this.#settings = new Map(settings.map((setting) => [setting.key, setting]));
    this.#spellings = new Map(settings.flatMap(({ key, legacy }) => legacy.map((older) => [older, key])));
  }

  /** Return the key of a setting, by any of its spellings: problems and versions have the file's. */
  keyOf(spelling) {
    return this.#settings.has(spelling) ? spelling : this.#spellings.get(spelling) ?? spelling;
  }

  /** Take problems that an answer tells of what is typed. */
  take(problems) {
    this.found = this.#keyed(problems);
  }

  #keyed(problems) {
    return (problems ?? []).map((problem) => ({ ...problem, key: this.keyOf(problem.key) }));
  }

  setting(key) {
    return this.#settings.get(key);
  }

  /** What a field shows: the edit, or else what is in force. A secret that is in force is only a mask. */
  text(key) {
    const edit = this.edits.get(key);
    if (edit === null) return this.defaultText(key);
    return edit ?? this.values.get(key)?.text ?? this.defaultText(key);
  }

  defaultText(key) {
    return this.setting(key)?.default ?? "";
  }

  isEdited(key) {
    return this.edits.has(key);
  }

  /** Take what was typed; null is the default. What is in force already is no edit. */
  edit(key, text) {
    const value = this.values.get(key);
    const same = text === null ? !value?.isSet : !this.setting(key).secret && text === value?.text;
    if (same) this.undo(key);
    else this.edits.set(key, text);
  }

  undo(key) {
    this.edits.delete(key);
    this.conflicts.delete(key);
    this.found = this.found.filter((problem) => problem.key !== key);
  }

  discard() {
    this.edits.clear();
    this.conflicts.clear();
    this.found = [];
  }

  /**
   * Fetch what is in force. Edits stay; those whose setting has changed meanwhile are conflicts.
   * @returns {Promise<string[]>} the keys whose value has changed
   */
  async load(signal) {
    const before = this.values;
    const settings = await get(`${this.#base}/settings`, { signal });
    const values = new Map(Object.entries(settings.values ?? {}));
    const isFirst = before.size === 0;
    const changed = isFirst ? [] : [...values.keys()].filter((key) => before.get(key)?.text !== values.get(key).text);
    if (!isFirst) changed.push(...await this.#changedSecrets(settings.generation, changed, signal));
    for (const key of changed) {
      if (!this.edits.has(key)) continue;
      if (this.edits.get(key) === values.get(key).text && !this.setting(key).secret) this.undo(key);
      else this.conflicts.add(key);
    }
    this.values = values;
    this.unknown = settings.unknown ?? [];
    this.problems = this.#keyed(settings.problems);
    this.generation = settings.generation;
    this.state = settings.state;
    this.#digest = settings.digest;
    return changed;
  }

  /** A secret has the same mask as before: that it changed, the history tells. */
  async #changedSecrets(generation, known, signal) {
    const edited = [...this.edits.keys()].filter((key) => this.setting(key).secret && !known.includes(key));
    if (!edited.length || generation === this.generation) return [];
    const versions = await get(`${this.#base}/history`, { signal });
    const recent = versions.filter((version) => version.generation > this.generation).flatMap((version) => version.changed).map((spelling) => this.keyOf(spelling));
    return edited.filter((key) => recent.includes(key));
  }

  changes() {
    return Object.fromEntries(this.edits);
  }

  /** Ask what would be wrong with the edits; a later call overtakes an earlier one. */
  async check() {
    this.#checking?.abort();
    const checking = (this.#checking = new AbortController());
    if (!this.edits.size) {
      this.found = [];
      return;
    }
    const { problems } = await post(`${this.#base}/settings/check`, { changes: this.changes() }, { signal: checking.signal });
    if (!checking.signal.aborted) this.take([...this.#masked(), ...problems]);
  }

  /**
   * Save the edits, and load what is in force then.
   * @throws {ApiError} 412: the file changed meanwhile; load, and save again
   */
  async save() {
    this.#checking?.abort();
    const masked = this.#masked();
    if (masked.length) throw new ApiError(400, "Nothing is saved: a masked value would be written.", masked);
    const answer = await post(`${this.#base}/settings`, { changes: this.changes() }, { digest: this.#digest });
    this.discard();
    await this.load();
    return answer;
  }

  /** Whoever edits around a mask would write it in place of the secret. */
  #masked() {
    return [...this.edits].filter(([, text]) => text?.includes(MASK))
      .map(([key]) => ({ severity: "error", key, line: 0, message: `${MASK} stands for a secret: write that in full, or edit the file` }));
  }

  /** Return a secret in clear. */
  async reveal(key) {
    return (await post(`${this.#base}/settings/reveal`, { key })).value;
  }

  /** Return the problems to show at a field. */
  problemsOf(key) {
    const problems = this.edits.has(key) ? this.found : this.problems;
    return problems.filter((problem) => problem.key === key);
  }

  /** Return what is wrong with the edits, and is not at one of their fields. */
  get problemsElsewhere() {
    const known = new Set(this.problems.map((problem) => problem.message));
    return this.found.filter((problem) => !this.edits.has(problem.key) && !(problem.severity === "warning" && known.has(problem.message)));
  }
}
