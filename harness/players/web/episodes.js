/* The pages of several episodes, kept as text until somebody opens one. An open episode plays in an
 * iframe; open episodes may play together, led by the one in which the user acted last. */

/** Keys that the leader gets from this page. */
const KEYS = [" ", "ArrowLeft", "ArrowRight", "+", "=", "-", "r", "R", "d", "D", "a", "o"];

class OpenEpisode {
  /** How often the user acted in it, as far as this page knows. */
  userActions = 0;
  frames = 0;

  constructor(place, name, close) {
    const text = $(`data-page-${place}`).textContent;
    const page = text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
    const address = URL.createObjectURL(new Blob([page], { type: "text/html" }));
    const button = element("button", { type: "button", "aria-label": `Close ${name}` }, "Close");
    button.addEventListener("click", close);
    this.place = place;
    this.frame = element("iframe", { title: name, sandbox: "allow-scripts", src: address });
    this.frame.addEventListener("load", () => URL.revokeObjectURL(address));
    const header = element("header", {}, element("h3", {}, name), button);
    this.box = element("section", { class: "player" }, header, this.frame);
  }

  send(message) {
    this.frame.contentWindow.postMessage(message, "*");
  }
}

class EpisodesPage {
  #open = []; // in their order on the page
  #leader = null;
  #state = null; // the leader's

  constructor(buttons, together) {
    this.buttons = buttons;
    $("together").checked = together;
    $("together").addEventListener("change", () => {
      if (!this.#together) for (const episode of this.#open) episode.send({ released: true });
      this.#synchronize();
    });
    buttons.forEach((button, place) => {
      button.addEventListener("click", () => {
        this.toggle(place);
        this.#at(place)?.box.scrollIntoView({ block: "start" });
      });
    });
    window.addEventListener("message", ({ source, data }) => {
      const sender = this.#open.find(({ frame }) => frame.contentWindow === source);
      if (sender) this.#receive(sender, data);
    });
    document.addEventListener("keydown", (event) => {
      const leader = this.#leader ?? this.#open[0];
      const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
      if (!leader || !plain || event.target !== document.body || !KEYS.includes(event.key)) return;
      event.preventDefault();
      const arrow = event.shiftKey && event.key.startsWith("Arrow");
      leader.send({ key: arrow ? `Shift${event.key}` : event.key });
    });
  }

  #at(place) {
    return this.#open.find((episode) => episode.place === place);
  }

  /** Open the episode at a place, or close it. */
  toggle(place) {
    const button = this.buttons[place];
    const closing = this.#at(place);
    if (closing) {
      closing.box.remove();
      this.#open = this.#open.filter((episode) => episode !== closing);
      if (this.#leader === closing) this.#replaceLeader();
    } else {
      const opening = new OpenEpisode(place, button.dataset.name, () => {
        this.toggle(place);
        button.focus();
      });
      const next = this.#open.find((episode) => episode.place > place);
      $("players").insertBefore(opening.box, next?.box ?? null);
      this.#open.push(opening);
      this.#open.sort((a, b) => a.place - b.place);
    }
    button.textContent = closing ? "Open" : "Close";
    button.setAttribute("aria-expanded", String(!closing));
    $("together-switch").hidden = this.#open.length < 2;
    this.#synchronize();
  }

  #replaceLeader() {
    this.#leader = this.#open[0] ?? null;
    if (!this.#leader) this.#state = null;
    else if (this.#together) this.#leader.send({ released: true });
  }

  get #together() {
    return $("together").checked;
  }

  /** Let episodes that play together go on until the longest ends, from where the leader is. */
  #synchronize() {
    const longest = Math.max(...this.#open.map(({ frames }) => frames));
    for (const episode of this.#open) episode.send({ extent: this.#together ? longest : 0 });
    this.#sendState();
  }

  /** Send the leader's state to the others. */
  #sendState() {
    if (!this.#together || !this.#state) return;
    for (const episode of this.#open) {
      const { userActions } = episode;
      if (episode !== this.#leader) episode.send({ state: this.#state, userActions });
    }
  }

  #receive(sender, { height, frames, userActions, state }) {
    if (height) sender.frame.style.height = `${Math.ceil(height)}px`;
    if (frames) {
      sender.frames = frames;
      this.#synchronize();
    }
    if (!state) return;
    if (userActions > sender.userActions) {
      sender.userActions = userActions;
      this.#leader = sender;
    }
    // Another episode sent this before it knew that it is led now.
    if (this.#leader !== sender) return;
    this.#state = state;
    this.#sendState();
  }
}

const { open } = JSON.parse($("data-about").textContent);
const buttons = [...document.querySelectorAll("button[data-name]")];
const episodes = new EpisodesPage(buttons, open);
if (open) buttons.forEach((_, place) => episodes.toggle(place));
