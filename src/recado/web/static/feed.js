/**
 * The simulated price feed: a product whose price is changed with a button. Every change is sent
 * to the server as a CloudEvent, as any program would send it.
 */

const FIRST = 1000; // cents
const LEAST = 50;
const MOST = 100_000;
const REMEMBERED = 24;
const KEY = "recado.feed";

class Feed {
  #root;
  #words;
  #subject;
  #prices; // in cents, the last one is the price now
  #money;
  #sending = false;

  constructor(root) {
    this.#root = root;
    this.#subject = root.dataset.subject;
    this.#words = JSON.parse(document.querySelector("main").dataset.words);
    const locale = document.documentElement.lang;
    this.#money = new Intl.NumberFormat(locale, { style: "currency", currency: "EUR" });
    this.#prices = remembered(this.#subject);
    for (const button of root.querySelectorAll("[data-change]")) {
      button.addEventListener("click", () => this.#change(button.dataset.change));
    }
    this.#show();
    // What it costs now: a watch made before the first change compares with it.
    this.#send(this.#price);
  }

  get #price() {
    return this.#prices.at(-1);
  }

  async #change(kind) {
    if (this.#sending) return;
    // Rounded away from the old price, so that 20 % are never a little less.
    const price = kind === "drop"
      ? Math.floor((this.#price * 80) / 100)
      : Math.ceil((this.#price * 120) / 100);
    if (price < LEAST || price > MOST || !(await this.#send(price))) return;
    this.#prices = [...this.#prices, price].slice(-REMEMBERED);
    remember(this.#subject, this.#prices);
    this.#show();
  }

  /** Send an event that says what the product costs; whether the server has taken it. */
  async #send(price) {
    this.#sending = true;
    try {
      const answer = await fetch(this.#root.dataset.post, {
        method: "POST",
        headers: { "Content-Type": "application/cloudevents+json" },
        body: JSON.stringify({
          specversion: "1.0",
          id: crypto.randomUUID(),
          source: "/demo/shop",
          type: "price.changed",
          subject: this.#subject,
          data: price / 100,
        }),
      });
      const told = await answer.json();
      if (answer.ok) this.#tell(this.#sent(told.watching));
      else this.#tell(this.#words.failed.replace("{reason}", told.detail), true);
      return answer.ok;
    } catch {
      this.#tell(this.#words.failed.replace("{reason}", this.#words.unreachable), true);
      return false;
    } finally {
      this.#sending = false;
    }
  }

  #sent(watching) {
    if (!watching) return this.#words.sent;
    if (watching === 1) return this.#words.sent_one;
    return this.#words.sent_many.replace("{count}", watching);
  }

  #tell(text, trouble = false) {
    const outcome = this.#root.querySelector(".outcome");
    outcome.textContent = text;
    outcome.classList.toggle("trouble", trouble);
  }

  #show() {
    this.#root.querySelector(".price").textContent = this.#money.format(this.#price / 100);
    const [before] = this.#prices.slice(-2);
    this.#root.dataset.trend = Math.sign(this.#price - before);
    this.#root.querySelector("polyline").setAttribute("points", line(this.#prices));
    for (const button of this.#root.querySelectorAll("[data-change]")) {
      button.disabled = button.dataset.change === "drop"
        ? this.#price * 0.8 < LEAST
        : this.#price * 1.2 > MOST;
    }
  }
}

/** Prices as points of a line in a box of 120 by 32. */
function line(prices) {
  const shown = prices.length > 1 ? prices : [prices[0], prices[0]];
  const least = Math.min(...shown);
  const height = Math.max(...shown) - least;
  return shown
    .map((price, index) => {
      const x = 2 + (116 * index) / (shown.length - 1);
      const y = height ? 29 - (26 * (price - least)) / height : 16;
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    })
    .join(" ");
}

function remembered(subject) {
  try {
    const kept = JSON.parse(localStorage.getItem(`${KEY}.${subject}`));
    const sound = Array.isArray(kept) && kept.length && kept.every(Number.isSafeInteger);
    return sound ? kept : [FIRST];
  } catch {
    return [FIRST];
  }
}

function remember(subject, prices) {
  try {
    localStorage.setItem(`${KEY}.${subject}`, JSON.stringify(prices));
  } catch {
    // Without a storage the price starts anew with the page.
  }
}

for (const root of document.querySelectorAll(".feed")) new Feed(root);
