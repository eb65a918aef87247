"use strict";

/* Episodes' whole pages, kept as text until somebody opens one: then it stands in a frame of its
 * own, and those that are open may play together. */

const $ = (id) => document.getElementById(id);
/** Keys that an open player gets from this page. */
const KEYS = [" ", "ArrowLeft", "ArrowRight", "+", "=", "-", "r", "R", "d", "D", "a", "o"];

class Opened {
  /** How often its user did something, as far as is known here. */
  claims = 0;
  frames = 0;

  constructor(place, name, close) {
    const text = $(`data-page-${place}`).textContent;
    const page = text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
    const address = URL.createObjectURL(new Blob([page], { type: "text/html" }));
    this.place = place;
    this.box = document.createElement("section");
    this.box.className = "player";
    const top = document.createElement("header");
    const heading = document.createElement("h3");
    heading.textContent = name;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Close";
    button.setAttribute("aria-label", `Close ${name}`);
    button.addEventListener("click", close);
    top.append(heading, button);
    this.frame = document.createElement("iframe");
    this.frame.title = name;
    this.frame.setAttribute("sandbox", "allow-scripts");
    this.frame.addEventListener("load", () => URL.revokeObjectURL(address));
    this.frame.src = address;
    this.box.append(top, this.frame);
  }

  send(message) {
    this.frame.contentWindow.postMessage(message, "*");
  }
}

class Shelf {
  #opened = []; // in their order on the page
  #leader = null;
  #state = null; // of the leader

  constructor(buttons, together) {
    this.buttons = buttons;
    $("together").checked = together;
    $("together").addEventListener("change", () => {
      if (!this.#together) for (const one of this.#opened) one.send({ released: true });
      this.#gather();
    });
    buttons.forEach((button, place) => {
      button.addEventListener("click", () => {
        this.toggle(place);
        const { box } = this.#opened.find((opened) => opened.place === place) ?? {};
        box?.scrollIntoView({ block: "start" });
      });
    });
    window.addEventListener("message", ({ source, data }) => {
      const from = this.#opened.find(({ frame }) => frame.contentWindow === source);
      if (from) this.#hear(from, data);
    });
    document.addEventListener("keydown", (event) => {
      const first = this.#leader ?? this.#opened[0];
      const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
      if (!first || !plain || event.target !== document.body || !KEYS.includes(event.key)) return;
      event.preventDefault();
      const arrow = event.shiftKey && event.key.startsWith("Arrow");
      first.send({ key: arrow ? `Shift${event.key}` : event.key });
    });
  }

  toggle(place) {
    const button = this.buttons[place];
    const there = this.#opened.find((opened) => opened.place === place);
    if (there) {
      there.box.remove();
      this.#opened = this.#opened.filter((opened) => opened !== there);
      if (this.#leader === there) this.#succeed();
    } else {
      const opened = new Opened(place, button.dataset.name, () => {
        this.toggle(place);
        button.focus();
      });
      const after = this.#opened.find((other) => other.place > place);
      $("players").insertBefore(opened.box, after?.box ?? null);
      this.#opened.push(opened);
      this.#opened.sort((one, other) => one.place - other.place);
    }
    button.textContent = there ? "Open" : "Close";
    button.setAttribute("aria-expanded", String(!there));
    $("together-switch").hidden = this.#opened.length < 2;
    this.#gather();
  }

  /** The leader is gone: another goes on in its place. */
  #succeed() {
    this.#leader = this.#opened[0] ?? null;
    if (!this.#leader) this.#state = null;
    else if (this.#together) this.#leader.send({ released: true });
  }

  get #together() {
    return $("together").checked;
  }

  /** Let those that play together go as far as the longest, from where the leader is. */
  #gather() {
    const longest = Math.max(...this.#opened.map(({ frames }) => frames));
    for (const one of this.#opened) one.send({ extent: this.#together ? longest : 0 });
    this.#pass();
  }

  /** Tell the others where the leader's game stands. */
  #pass() {
    if (!this.#together || !this.#state) return;
    for (const one of this.#opened) {
      if (one !== this.#leader) one.send({ state: this.#state, claims: one.claims });
    }
  }

  #hear(from, { height, frames, claims, state }) {
    if (height) from.frame.style.height = `${Math.ceil(height)}px`;
    if (frames) {
      from.frames = frames;
      this.#gather();
    }
    if (!state) return;
    if (claims > from.claims) {
      from.claims = claims;
      this.#leader = from;
    }
    // What one says that is led by now was sent before it knew.
    if (this.#leader !== from) return;
    this.#state = state;
    this.#pass();
  }
}

const about = JSON.parse($("data-about").textContent);
const buttons = [...document.querySelectorAll("button[data-name]")];
const shelf = new Shelf(buttons, about.open);
if (about.open) buttons.forEach((_, place) => shelf.toggle(place));
