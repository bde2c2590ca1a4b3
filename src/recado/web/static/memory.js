/**
 * What a window remembers between visits, in localStorage: who it is, its conversation, and
 * what was typed and not sent. Each unsent message has an entry of its own, so that two tabs
 * do not overwrite each other's.
 */
export class Memory {
  #prefix;
  #storage = storage();
  #unsent = new Map();

  constructor(key) {
    this.#prefix = `recado.${key}.`;
    const start = `${this.#prefix}unsent.`;
    const found = Object.keys(this.#storage)
      .filter((name) => name.startsWith(start))
      .map((name) => [name.slice(start.length), parsed(this.#storage.getItem(name))])
      .filter(([, entry]) => entry?.activity)
      .sort(([, one], [, other]) => one.at - other.at);
    for (const [id, entry] of found) this.#unsent.set(id, entry);
  }

  get(name) {
    return this.#storage.getItem(this.#prefix + name);
  }

  set(name, value) {
    if (value === null) return this.#storage.removeItem(this.#prefix + name);
    try {
      this.#storage.setItem(this.#prefix + name, String(value));
    } catch {
      // The storage is full: all goes on, it is only not found again.
    }
  }

  /** Whether a storage event is about that entry of this memory. */
  owns(key, name) {
    return key === this.#prefix + name;
  }

  /** Keep an activity that is not sent yet; with a reason if the server does not want it. */
  keep(id, activity, refusal = null) {
    const entry = { at: this.#unsent.get(id)?.at ?? Date.now(), activity, refusal };
    this.#unsent.set(id, entry);
    this.set(`unsent.${id}`, JSON.stringify(entry));
  }

  drop(id) {
    this.#unsent.delete(id);
    this.set(`unsent.${id}`, null);
  }

  /** Unsent activities, in the order they were typed. */
  unsent() {
    return Array.from(this.#unsent, ([id, entry]) => ({ id, ...entry }));
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** localStorage, or a stand-in that lasts as long as the page where the browser has none. */
function storage() {
  try {
    localStorage.setItem("recado.probe", "1");
    localStorage.removeItem("recado.probe");
    return localStorage;
  } catch {
    return Object.create({
      getItem(key) {
        return this[key] ?? null;
      },
      setItem(key, value) {
        this[key] = value;
      },
      removeItem(key) {
        delete this[key];
      },
    });
  }
}
