/* Episodes side by side: each player stands in a frame of a page (web/shelf.js), tells it what its
 * user does and how its game goes on, and follows what that page says of the others. */

class Company {
  /** The company that a player is in; null where its page stands alone. */
  static of(player) {
    return window.parent === window ? null : new Company(player);
  }

  #player;
  /** How often the user did something here: news from before the last time is old. */
  #claims = 0;

  constructor(player) {
    this.#player = player;
    document.documentElement.dataset.company = "";
    window.addEventListener("message", ({ source, data }) => {
      if (source === window.parent) this.#hear(data);
    });
  }

  /** Called when the page is there. */
  begin(press) {
    this.press = press;
    const main = document.querySelector("main");
    new ResizeObserver(() => {
      this.#say({ height: main.getBoundingClientRect().height });
    }).observe(main);
    this.#say({ frames: this.#player.episode.frames });
  }

  /** Say where the game stands; `acted` where the user did something. */
  tell(acted) {
    if (acted) this.#claims += 1;
    const { position, playing, speed } = this.#player;
    this.#say({ claims: this.#claims, state: { position, playing, speed } });
  }

  #say(message) {
    window.parent.postMessage(message, "*"); // a file has no origin that could be named
  }

  #hear({ extent, claims, state, key, released }) {
    const player = this.#player;
    if (extent !== undefined) player.extent = Math.max(extent, player.episode.frames);
    if (state && claims === this.#claims) player.follow(state);
    if (key) this.press(key);
    if (released) player.release();
  }
}
