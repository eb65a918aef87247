/* Episodes that play together: each player is in an iframe of a page (web/episodes.js). It sends
 * that page what its user does and where its game is, and follows the leader's state. */

class Sync {
  /** The link to the page around a player; null where the player's page stands alone. */
  static of(player) {
    return window.parent === window ? null : new Sync(player);
  }

  #player;
  /** How often the user acted here. States sent before the last time are old. */
  #userActions = 0;

  constructor(player) {
    this.#player = player;
    document.documentElement.dataset.framed = "";
    window.addEventListener("message", ({ source, data }) => {
      if (source === window.parent) this.#receive(data);
    });
  }

  /** Called when the page is there; `press` does what a key does. */
  begin(press) {
    this.press = press;
    const main = document.querySelector("main");
    new ResizeObserver(() => {
      this.#send({ height: main.getBoundingClientRect().height });
    }).observe(main);
    this.#send({ frames: this.#player.episode.frames });
  }

  /** Send the player's state; `byUser` where the user changed it. */
  report(byUser) {
    if (byUser) this.#userActions += 1;
    const { position, playing, speed } = this.#player;
    this.#send({ userActions: this.#userActions, state: { position, playing, speed } });
  }

  #send(message) {
    window.parent.postMessage(message, "*"); // a file has no origin that could be named
  }

  #receive({ extent, userActions, state, key, released }) {
    const player = this.#player;
    if (extent !== undefined) player.extent = Math.max(extent, player.episode.frames);
    if (state && userActions === this.#userActions) player.follow(state);
    if (key) this.press(key);
    if (released) player.release();
  }
}
