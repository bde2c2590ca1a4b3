/**
 * A Direct Line client for the chat page: it keeps a conversation through lost connections,
 * restarted servers and closed tabs, and loses nothing that was typed.
 */

const BASE = "/v3/directline";
/** The server sends something every 15 s; after this long without anything the line is dead. */
const SILENCE = 40_000;
const REQUEST_TIMEOUT = 25_000;
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 8_000;

/** The conversation no longer exists on the server. */
class Gone extends Error {}

/** The server took the request and refused it. */
class Refused extends Error {
  constructor(status, code, message) {
    super(message);
    Object.assign(this, { status, code });
  }
}

/**
 * Events, as CustomEvents with `detail`:
 *   status     {state: "connecting" | "online" | "offline" | "refused", pause, message}
 *   activities {activities, away}: `away` tells which were sent while nobody was here
 *   unsent     {id, activity, state: "waiting" | "failed" | "refused" | "sent", message}
 *   started    a new conversation begins, and the old one's messages are to be taken away
 */
export class DirectLine extends EventTarget {
  #person;
  #memory;
  #seen = 0; // watermark of what this page shows
  #run = 0; // counts connections begun on purpose; an older one stops by itself
  #socket = null;
  #wake = () => {};
  #online = false;
  #pumping = false;
  #pause = FIRST_PAUSE;

  /**
   * @param person name and key of whom this client speaks for
   * @param memory where conversation, token and unsent messages are kept between visits
   */
  constructor(person, memory) {
    super();
    this.#person = person;
    this.#memory = memory;
    if (!memory.get("user")) memory.set("user", `dl_${randomId()}`);
    const hurry = () => this.#wake();
    addEventListener("online", hurry);
    document.addEventListener("visibilitychange", () => document.hidden || hurry());
  }

  get userId() {
    return this.#memory.get("user");
  }

  get conversationId() {
    return this.#memory.get("conversation");
  }

  /** Activities typed earlier that the server does not have yet. */
  get unsent() {
    return this.#memory.unsent();
  }

  /** Connect, and stay connected. */
  start() {
    this.#run += 1;
    this.#online = false;
    this.#seen = 0;
    this.#pause = FIRST_PAUSE;
    this.#socket?.close();
    this.#wake();
    this.#stay(this.#run);
  }

  /** Leave this conversation for a new one. */
  renew() {
    this.#forget();
    this.start();
  }

  /** Take what another tab of this browser does into account. */
  adopt() {
    this.#tell("started");
    this.start();
  }

  /** Say something. It is kept until the server has it, also beyond this page. */
  send(activity) {
    const id = randomId();
    const addressed = {
      ...activity,
      from: { id: this.userId, name: this.#person.name },
      locale: navigator.language,
      localTimestamp: new Date().toISOString(),
      localTimezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      channelData: { ...activity.channelData, clientActivityID: id },
    };
    this.#memory.keep(id, addressed);
    this.#tell("unsent", { id, activity: addressed, state: "waiting", message: "" });
    this.#pump();
  }

  /** Try again to send something. */
  retry(id) {
    const entry = this.unsent.find((each) => each.id === id);
    if (entry) this.#memory.keep(id, entry.activity);
    this.#wake(); // if there is no connection, do not wait for the next attempt
    this.#pump();
  }

  /** Give up on sending something. */
  discard(id) {
    this.#memory.drop(id);
  }

  // -- connection ---------------------------------------------------------------------------

  async #stay(run) {
    const mine = () => run === this.#run;
    while (mine()) {
      let message = "";
      try {
        this.#tell("status", { state: "connecting" });
        if (this.conversationId) await this.#catchUp(mine);
        const url = await this.#open(mine);
        if (mine()) await this.#follow(url, mine);
      } catch (error) {
        if (!mine()) return;
        if (error instanceof Gone) {
          this.#forget();
          continue;
        }
        message = error instanceof Refused ? error.message : "";
      }
      if (!mine()) return;
      this.#online = false;
      const pause = this.#pause * (0.75 + Math.random() / 2);
      this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
      this.#tell("status", { state: message ? "refused" : "offline", pause, message });
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, pause);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = () => {};
    }
  }

  /** Read what was said before now; what lies behind what was shown last was sent while away. */
  async #catchUp(mine) {
    const shown = Number(this.#memory.get("shown") ?? Infinity);
    while (mine()) {
      const page = await this.#call("GET", this.#path(`/activities?watermark=${this.#seen}`));
      if (!page.activities.length || !mine()) return;
      this.#take(page, (activity) => position(activity) > shown);
    }
  }

  /** The address of a stream, of the known conversation or of a new one. */
  async #open(mine) {
    const { name } = this.#person;
    const body = this.conversationId
      ? await this.#call("GET", this.#path(`?watermark=${this.#seen}`))
      : await this.#call("POST", "/conversations", {
          user: { id: this.userId, name }, locale: navigator.language,
        });
    if (mine()) {
      this.#memory.set("conversation", body.conversationId);
      this.#memory.set("token", body.token);
    }
    // The way this page came is the way there is, whatever the server thinks it is called.
    const url = new URL(body.streamUrl);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    url.host = location.host;
    return url;
  }

  /** Read the stream until it ends. Resolves when it does. */
  #follow(url, mine) {
    return new Promise((resolve) => {
      const socket = (this.#socket = new WebSocket(url));
      let silence;
      const alive = () => {
        clearTimeout(silence);
        silence = setTimeout(end, SILENCE);
      };
      const end = () => {
        clearTimeout(silence);
        socket.onopen = socket.onmessage = socket.onclose = null;
        socket.close();
        resolve();
      };
      alive();
      socket.onopen = () => {
        if (!mine()) return end();
        alive();
        this.#online = true;
        this.#pause = FIRST_PAUSE;
        this.#memory.set("shown", this.#memory.get("shown") ?? 0);
        this.#tell("status", { state: "online" });
        this.#pump();
      };
      socket.onmessage = ({ data }) => {
        if (!mine()) return end();
        alive();
        if (data) this.#take(JSON.parse(data), () => false);
      };
      socket.onclose = end;
    });
  }

  #take({ activities, watermark }, away) {
    for (const activity of activities) {
      const id = activity.channelData?.clientActivityID;
      if (id && activity.from?.id === this.userId) this.#memory.drop(id);
    }
    this.#tell("activities", { activities, away });
    if (watermark) {
      this.#seen = Math.max(this.#seen, Number(watermark));
      this.#memory.set("shown", this.#seen);
    }
  }

  #forget() {
    for (const name of ["conversation", "token", "shown"]) this.#memory.set(name, null);
    this.#seen = 0;
    this.#tell("started");
  }

  // -- sending ------------------------------------------------------------------------------

  /** Send what waits, one after the other, in the order it was typed. */
  async #pump() {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#online) {
        const next = this.unsent.find(({ refusal }) => !refusal);
        if (!next || !(await this.#deliver(next))) break;
      }
      // Whatever is left now waits for a better moment, and says so.
      for (const { id, activity, refusal } of this.unsent) {
        if (!refusal) this.#tell("unsent", { id, activity, state: "failed", message: "" });
      }
    } finally {
      this.#pumping = false;
    }
  }

  /** Send one; whether to go on with the next. */
  async #deliver({ id, activity }) {
    this.#tell("unsent", { id, activity, state: "waiting", message: "" });
    try {
      await this.#call("POST", this.#path("/activities"), activity);
    } catch (error) {
      if (error instanceof Gone) {
        this.#socket?.close(); // the connection finds out, and begins a new conversation
        return false;
      }
      const status = error instanceof Refused ? error.status : 0;
      if (status === 502 || status === 504) {
        this.#sent(id, activity, error.message); // it is in the history; the bot did not answer
        return true;
      }
      if (status === 0 || status >= 500 || status === 429) {
        setTimeout(() => this.#pump(), 3000);
        return false;
      }
      this.#memory.keep(id, activity, error.message);
      this.#tell("unsent", { id, activity, state: "refused", message: error.message });
      return true;
    }
    this.#sent(id, activity, "");
    return true;
  }

  #sent(id, activity, message) {
    this.#memory.drop(id);
    this.#tell("unsent", { id, activity, state: "sent", message });
  }

  // -- requests -----------------------------------------------------------------------------

  #path(rest) {
    return `/conversations/${encodeURIComponent(this.conversationId)}${rest}`;
  }

  /** A request with the token; an expired one is exchanged on the way. */
  async #call(method, path, body) {
    try {
      return await this.#request(method, path, body);
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== "TokenExpired") throw error;
    }
    const conversation = this.conversationId;
    let fresh;
    try {
      fresh = await this.#request("POST", "/tokens/refresh");
    } catch (error) {
      throw error instanceof Refused && error.status === 403 ? new Gone() : error;
    }
    if (conversation !== this.conversationId) throw new Gone();
    this.#memory.set("token", fresh.token);
    return this.#request(method, path, body);
  }

  async #request(method, path, body) {
    const headers = {};
    const token = this.#memory.get("token");
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body) headers["Content-Type"] = "application/json";
    const answer = await fetch(BASE + path, {
      method, headers, body: body && JSON.stringify(body), cache: "no-store",
      signal: AbortSignal.timeout(REQUEST_TIMEOUT),
    });
    const told = await answer.json().catch(() => ({}));
    if (answer.ok) return told;
    const known = Boolean(this.conversationId);
    if (known && [401, 404].includes(answer.status)) throw new Gone();
    const { code = "", message = told.detail } = told.error ?? {};
    throw new Refused(answer.status, code, message || `The server answered ${answer.status}.`);
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** Where an activity stands in the history; ids end in it. */
export function position(activity) {
  const counter = /\|(\d+)$/.exec(activity.id ?? "");
  return counter ? Number(counter[1]) : NaN;
}

function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
