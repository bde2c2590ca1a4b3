/** The chat page: one window per person, each with its own conversation. */

import { DirectLine, position } from "./directline.js";
import { element, link, render, safeLink } from "./markdown.js";
import { Memory } from "./memory.js";

const TYPING_SHOWN = 5_000;
const title = document.title;
const words = JSON.parse(document.querySelector("main").dataset.words);
let unread = 0;

class ChatWindow {
  #root;
  #log;
  #line;
  #name;
  #bubbles = new Map(); // by activity id
  #pending = new Map(); // own messages by clientActivityID, until the server has them
  #typing;
  #countdown;
  #told = false; // whether what this connection missed is marked

  constructor(root) {
    this.#root = root;
    this.#name = root.dataset.name;
    this.#log = root.querySelector(".log");
    const memory = new Memory(root.dataset.person);
    this.#line = new DirectLine({ name: this.#name }, memory);
    this.#listen(memory);
    for (const { id, activity, refusal } of this.#line.unsent) {
      this.#onUnsent({ id, activity, state: refusal ? "refused" : "waiting", message: refusal });
    }
    this.#line.start();
  }

  #listen(memory) {
    const on = (type, listener) => {
      this.#line.addEventListener(type, ({ detail }) => listener(detail));
    };
    on("status", (detail) => this.#onStatus(detail));
    on("activities", (detail) => this.#onActivities(detail));
    on("unsent", (detail) => this.#onUnsent(detail));
    on("started", () => this.#clear());
    addEventListener("storage", ({ key, newValue }) => {
      if (newValue && memory.owns(key, "conversation")) this.#line.adopt();
    });
    this.#root.querySelector(".renew").addEventListener("click", () => {
      this.#line.renew();
      this.#composer.focus();
    });
    this.#root.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#composer.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit();
    });
  }

  get #composer() {
    return this.#root.querySelector("textarea");
  }

  #submit() {
    const text = this.#composer.value.trim();
    if (!text) return;
    this.#composer.value = "";
    this.#say({ text });
  }

  #say(activity) {
    this.#suggest(null);
    this.#line.send({ type: "message", textFormat: "plain", ...activity });
    this.#toEnd();
  }

  // -- what the client tells ----------------------------------------------------------------

  #onStatus({ state, pause = 0, message = "" }) {
    clearInterval(this.#countdown);
    const status = this.#root.querySelector(".status");
    status.dataset.state = state;
    const told = {
      connecting: words.connecting,
      online: words.online,
      offline: words.offline,
      refused: message,
    };
    status.textContent = told[state];
    this.#root.querySelector(".conversation").textContent = this.#line.conversationId
      ? this.#line.conversationId.split("|")[0] : "";
    if (state === "connecting") this.#told = false;
    if (state === "online") this.#log.setAttribute("aria-live", "polite");
    else this.#hideTyping();
    if (pause < 2000) return;
    const until = Date.now() + pause;
    this.#countdown = setInterval(() => {
      const seconds = Math.ceil((until - Date.now()) / 1000);
      if (seconds > 0) {
        status.textContent = filled(words.again_in, {
          message: message || words.offline_now, seconds,
        });
      }
    }, 500);
  }

  #onActivities({ activities, away }) {
    const follow = this.#atEnd();
    for (const activity of activities) {
      try {
        this.#show(activity, away(activity));
      } catch (error) {
        // One odd message must not hide those after it.
        console.error(error);
        this.#place(note(words.not_shown), activity);
      }
    }
    if (follow) this.#toEnd();
  }

  #show(activity, away) {
    const mine = activity.from?.id === this.#line.userId || activity.from?.role === "user";
    switch (activity.type) {
      case "message":
        return mine ? this.#showOwn(activity) : this.#showBots(activity, away);
      case "typing":
        return mine ? undefined : this.#showTyping();
      case "event":
        if (activity.name !== "messageDelete") return undefined;
        this.#bubbles.get(activity.id)?.remove();
        this.#bubbles.delete(activity.id);
        return undefined;
      case "endOfConversation":
        return this.#place(note(words.ended), activity);
      default:
        return undefined;
    }
  }

  #showOwn(activity) {
    this.#suggest(null);
    const id = activity.channelData?.clientActivityID;
    if (id && this.#pending.has(id)) {
      this.#pending.get(id).remove();
      this.#pending.delete(id);
    }
    if (!activity.channelData?.postBack) this.#place(bubble(activity, "mine"), activity);
  }

  #showBots(activity, away) {
    this.#hideTyping();
    if (away && !this.#told) {
      // Only the latest absence is marked.
      this.#log.querySelector(".away")?.remove();
      for (const node of this.#log.querySelectorAll(".missed")) node.classList.remove("missed");
      this.#place(note(words.away, "away"), activity);
      this.#told = true;
    }
    const made = bubble(activity, "bot", (action) => this.#act(action));
    if (away) made.classList.add("missed");
    this.#place(made, activity);
    const actions = activity.suggestedActions?.actions;
    const last = !(made.nextElementSibling && made.nextElementSibling.matches(".message"));
    if (last) this.#suggest(Array.isArray(actions) ? actions : null);
    if (document.hidden) document.title = `(${(unread += 1)}) ${title}`;
  }

  #onUnsent({ id, activity, state, message }) {
    if (state === "sent") {
      // Its echo comes through the stream and replaces the bubble, unless it was here first.
      if (message) this.#log.append(note(message, "trouble"));
      return;
    }
    let made = this.#pending.get(id);
    if (!made) {
      if (activity.channelData?.postBack) return;
      made = bubble(activity, "mine");
      this.#pending.set(id, made);
      this.#log.append(made);
    }
    made.dataset.state = state;
    made.querySelector(".meta").replaceChildren(...this.#mark(id, state, message));
    if (this.#atEnd()) this.#toEnd();
  }

  #mark(id, state, message) {
    if (state === "waiting") return [words.sending];
    const again = button(words.retry, () => this.#line.retry(id));
    if (state === "failed") return [words.not_sent_yet, again];
    const discard = button(words.discard, () => {
      this.#line.discard(id);
      this.#pending.get(id)?.remove();
      this.#pending.delete(id);
    });
    return [filled(words.not_sent, { message }), again, discard];
  }

  #clear() {
    this.#hideTyping();
    this.#suggest(null);
    this.#bubbles.clear();
    this.#log.replaceChildren(...this.#pending.values());
  }

  // -- the log ------------------------------------------------------------------------------

  /** Put a node where its activity stands in the history, in place of an earlier form of it. */
  #place(made, activity) {
    const at = position(activity);
    made.dataset.position = at;
    const former = this.#bubbles.get(activity.id);
    if (former && made.matches(".message")) {
      former.replaceWith(made);
    } else {
      let before = null; // own messages the server does not have yet come last
      for (let node = this.#log.lastElementChild; node; node = node.previousElementSibling) {
        if (Number(node.dataset.position) <= at) break;
        before = node;
      }
      this.#log.insertBefore(made, before);
    }
    if (made.matches(".message")) this.#bubbles.set(activity.id, made);
  }

  #atEnd() {
    return this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < 80;
  }

  #toEnd() {
    this.#log.scrollTop = this.#log.scrollHeight;
  }

  #showTyping() {
    clearTimeout(this.#typing);
    this.#root.querySelector(".typing").hidden = false;
    this.#typing = setTimeout(() => this.#hideTyping(), TYPING_SHOWN);
  }

  #hideTyping() {
    clearTimeout(this.#typing);
    this.#root.querySelector(".typing").hidden = true;
  }

  // -- actions ------------------------------------------------------------------------------

  #suggest(actions) {
    const bar = this.#root.querySelector(".suggestions");
    const follow = this.#atEnd();
    bar.replaceChildren(...buttons(actions ?? [], (action) => {
      this.#act(action);
      this.#composer.focus();
    }));
    bar.hidden = !bar.childElementCount;
    if (follow) this.#toEnd();
  }

  #act({ type, title: label, text, displayText, value }) {
    switch (type) {
      case "openUrl": {
        const href = safeLink(value);
        if (href) window.open(href, "_blank", "noopener,noreferrer");
        return;
      }
      case "postBack":
        return this.#say({ ...said(value), channelData: { postBack: true } });
      case "messageBack":
        return this.#say({
          text: text ?? displayText ?? label, value, channelData: { messageBack: { displayText } },
        });
      default:
        return this.#say(said(value ?? text ?? label));
    }
  }
}

// -- nodes ----------------------------------------------------------------------------------

/** A sentence with its places filled in. */
function filled(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function said(value) {
  return typeof value === "string" ? { text: value } : { value };
}

function bubble(activity, side, act = () => {}) {
  const body = element("div", { className: "body" });
  const { text } = activity;
  if (typeof text === "string" && text.trim()) {
    if (side === "mine" || activity.textFormat === "plain" || activity.textFormat === "xml") {
      body.append(element("p", { className: "plain" }, text));
    } else body.append(render(text));
  }
  if (Array.isArray(activity.attachments)) {
    body.append(...activity.attachments.filter(Boolean).map((each) => attachment(each, act)));
  }
  if (!body.childNodes.length) body.append(element("p", { className: "plain" }, "…"));
  const time = new Date(activity.timestamp ?? activity.localTimestamp ?? Date.now());
  const meta = element("div", { className: "meta" }, element(
    "time",
    { dateTime: time.toISOString(), title: time.toLocaleString() },
    time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }),
  ));
  return element("div", { className: `message ${side}` }, body, meta);
}

function note(text, kind = "") {
  return element("div", { className: `note ${kind}` }, element("span", {}, text));
}

function button(label, press) {
  const made = element("button", { type: "button" }, label);
  made.addEventListener("click", press);
  return made;
}

function buttons(actions, act) {
  return actions
    .filter((action) => action && typeof action === "object")
    .map((action) => button(String(action.title ?? action.value ?? "…"), () => act(action)));
}

/** A picture, a simple card, or a line that says what cannot be shown here. */
function attachment({ contentType = "", contentUrl = "", content = {}, name = "" }, act) {
  const picture = source(contentUrl);
  if (contentType.startsWith("image/") && picture) {
    return element("img", { src: picture, alt: name || words.picture, loading: "lazy" });
  }
  if (/^application\/vnd\.microsoft\.card\.(hero|thumbnail)$/.test(contentType)) {
    return card(content ?? {}, act);
  }
  const fallback = content?.fallbackText;
  const label = String(fallback || name || contentType || words.attachment);
  const made = element("p", { className: "attachment" });
  const href = safeLink(contentUrl);
  if (href) {
    const anchor = link(href);
    anchor.append(label);
    made.append(anchor);
  } else made.append(fallback ? label : filled(words.not_shown_here, { label }));
  return made;
}

function card({ title: head, subtitle, text, images, buttons: actions }, act) {
  const made = element("div", { className: "card" });
  for (const image of Array.isArray(images) ? images : []) {
    const src = source(image?.url);
    if (src) made.append(element("img", { src, alt: String(image.alt ?? "") }));
  }
  if (head) made.append(element("h3", {}, String(head)));
  if (subtitle) made.append(element("p", { className: "subtitle" }, String(subtitle)));
  if (text) made.append(render(String(text)));
  if (Array.isArray(actions)) {
    made.append(element("div", { className: "actions" }, ...buttons(actions, act)));
  }
  return made;
}

/** Where a picture may come from: the message itself, or https. */
function source(address) {
  return /^(?:data:image\/(?!svg)|https:\/\/)/i.test(address ?? "") ? address : null;
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  unread = 0;
  document.title = title;
});
const [first] = Array.from(document.querySelectorAll(".window"), (root) => {
  new ChatWindow(root);
  return root;
});
first?.querySelector("textarea").focus({ preventScroll: true });
