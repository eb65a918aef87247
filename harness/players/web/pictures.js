/* The pictures: the screen, what the agent saw, and over the screen attention and marks. */

/** A canvas that is written pixel by pixel. */
class Pixels {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.image = this.context.createImageData(canvas.width, canvas.height);
    this.words = new Uint32Array(this.image.data.buffer); // alpha, blue, green, red
  }

  show() {
    this.context.putImageData(this.image, 0, 0);
  }
}

class Pictures {
  constructor(episode) {
    this.episode = episode;
    this.palette = Uint32Array.from(episode.palette, (colour) => {
      const rgb = Number.parseInt(colour.slice(1), 16);
      return ((255 << 24) | ((rgb & 255) << 16) | (rgb & 0xff00) | (rgb >> 16)) >>> 0;
    });
    this.screen = new Pixels($("screen"));
    this.attention = new Pixels($("attention"));
    this.marks = ["place", "other-place"].map((name) => $(name));
    this.seen = Array.from({ length: STACK }, (_, age) => this.#seenCanvas(STACK - 1 - age));
  }

  #seenCanvas(stepsAgo) {
    const label = stepsAgo ? `Frame of ${stepsAgo} steps before` : "Last frame";
    const size = { width: SEEN.columns, height: SEEN.rows };
    const canvas = element("canvas", { ...size, role: "img", "aria-label": label });
    $("seen").append(canvas);
    return new Pixels(canvas);
  }

  /** Show a frame, out of the chunk that it lies in. */
  show(chunk, frame) {
    this.#showScreen(chunk, frame - chunk.firstFrame);
    const step = this.episode.stepOf(frame) - chunk.firstStep;
    this.seen.forEach((pixels, age) => this.#showSeen(pixels, chunk.seen, step + age));
    if (chunk.attention) this.#showAttention(chunk.attention, step);
    this.#showPlaces(Math.min(this.episode.stepsOver(frame), this.episode.steps - 1));
  }

  /** Where each network takes the object to be, in pixels of what it sees, read from the stack that
   * ends with the last step that is over; nowhere while the console does not draw it. */
  #showPlaces(step) {
    this.episode.places.forEach((place, network) => {
      const mark = this.marks[network];
      mark.hidden = !place || !this.episode.drawn[step];
      if (mark.hidden) return;
      mark.style.left = `${(100 * (place[0][step] + 0.5)) / SEEN.columns}%`;
      mark.style.top = `${(100 * (place[1][step] + 0.5)) / SEEN.rows}%`;
    });
  }

  #showScreen({ screen, high }, place) {
    const { words } = this.screen;
    const begin = place * words.length;
    for (let i = 0; i < words.length; i++) {
      const number = screen[begin + i] | (high ? high[begin + i] << 8 : 0);
      words[i] = this.palette[number];
    }
    this.screen.show();
  }

  #showSeen(pixels, seen, place) {
    const { words } = pixels;
    const begin = place * words.length;
    for (let i = 0; i < words.length; i++) {
      words[i] = ((255 << 24) | (seen[begin + i] * 0x010101)) >>> 0;
    }
    pixels.show();
  }

  /** From clear to magenta, which few games use; squared, so that the strongest stand out. */
  #showAttention(attention, step) {
    const { words } = this.attention;
    const begin = (step * words.length) / 2;
    for (let i = 0; i < words.length; i++) {
      const pair = attention[begin + (i >> 1)];
      const shade = i & 1 ? pair & 15 : pair >> 4;
      words[i] = (((shade * shade) << 24) | 0xff30ff) >>> 0;
    }
    this.attention.show();
  }
}
