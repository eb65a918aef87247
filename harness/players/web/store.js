/* The episode, out of the page's data blocks (harness/players/page_data.py), which are unpacked
 * when they are needed. */

const SCREEN = { rows: 210, columns: 160 };
const SEEN = { rows: 84, columns: 84 };
const STACK = 4;
const FRAMES_PER_SECOND = 60;
/** Chunks that are kept unpacked: 8 MB each. */
const KEPT_CHUNKS = 4;

/** The bytes of a data block; null where there is none. */
async function unpacked(name) {
  const block = $(`data-${name}`);
  if (!block) return null;
  const packed = Uint8Array.from(atob(block.textContent), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Pictures, one after the other, from the rows that changed (harness/images/row_deltas.py). */
function pictures(coded, count, rows, columns) {
  const size = rows * columns;
  const maskBytes = Math.ceil(rows / 8);
  const all = new Uint8Array(count * size);
  let next = count * maskBytes;
  for (let picture = 0; picture < count; picture++) {
    const begin = picture * size;
    if (picture) all.copyWithin(begin, begin - size, begin);
    for (let row = 0; row < rows; row++) {
      const changed = coded[picture * maskBytes + (row >> 3)] & (128 >> (row & 7));
      if (!changed) continue;
      const place = begin + row * columns;
      for (let column = 0; column < columns; column++) all[place + column] ^= coded[next++];
    }
  }
  return all;
}

/** The rows of a matrix of float32. */
function floatRows(bytes, columns) {
  const all = new Float32Array(bytes.buffer);
  return Array.from({ length: all.length / columns }, (_, row) =>
    all.subarray(row * columns, (row + 1) * columns),
  );
}

/** The index of the row that is largest in a column, the first of equals. */
function largest(rows, column) {
  let best = 0;
  for (let row = 1; row < rows.length; row++) {
    if (rows[row][column] > rows[best][column]) best = row;
  }
  return best;
}

class Episode {
  /** Everything but the pictures, which come chunk by chunk. */
  static async open() {
    const episode = new Episode();
    Object.assign(episode, JSON.parse($("data-about").textContent));
    const names = ["actions", "rewards", "lives", "q", "other-q", "drawn", "place", "other-place"];
    const [actions, rewards, lives, q, other, drawn, ...places] = await Promise.all(names.map(unpacked));
    episode.names = episode.actions;
    episode.actions = actions;
    episode.rewards = new Int32Array(rewards.buffer);
    episode.lives = lives;
    episode.q = q && floatRows(q, episode.steps);
    episode.otherQ = other && floatRows(other, episode.steps);
    episode.drawn = drawn;
    episode.places = places.map((bytes) => bytes && floatRows(bytes, episode.steps));
    episode.scores = new Int32Array(episode.steps + 1);
    episode.rewards.forEach((reward, step) => {
      episode.scores[step + 1] = episode.scores[step] + reward;
    });
    episode.differing = episode.#differences();
    return episode;
  }

  #chunks = new Map(); // number -> chunk or its promise, the one used last at the end

  /** The step that a frame belongs to. */
  stepOf(frame) {
    return Math.floor(frame / this.framesPerStep);
  }

  /** Steps that are over when a frame is on the screen: the last frame of a step ends it. */
  stepsOver(frame) {
    const last = frame === this.frames - 1 || (frame + 1) % this.framesPerStep === 0;
    return this.stepOf(frame) + (last ? 1 : 0);
  }

  /** The first frame after which a step is over. */
  endOf(step) {
    return Math.min((step + 1) * this.framesPerStep, this.frames) - 1;
  }

  chunkOf(frame) {
    return Math.floor(this.stepOf(frame) / this.chunkSteps);
  }

  /** A chunk if it is unpacked; otherwise null, and `ready` is called once it is. */
  chunk(number, ready) {
    const kept = this.#chunks.get(number);
    if (kept instanceof Promise) return null;
    if (kept) {
      this.#chunks.delete(number);
      this.#chunks.set(number, kept);
      return kept;
    }
    const first = number * this.chunkSteps;
    if (first < 0 || first >= this.steps) return null;
    const coming = this.#unpack(number);
    this.#chunks.set(number, coming);
    coming.then((chunk) => {
      this.#chunks.delete(number);
      this.#chunks.set(number, chunk);
      for (const oldest of this.#chunks.keys()) {
        if (this.#chunks.size <= KEPT_CHUNKS) break;
        this.#chunks.delete(oldest);
      }
      ready();
    });
    return null;
  }

  async #unpack(number) {
    const firstStep = number * this.chunkSteps;
    const steps = Math.min(this.chunkSteps, this.steps - firstStep);
    const firstFrame = firstStep * this.framesPerStep;
    const frames = Math.min(steps * this.framesPerStep, this.frames - firstFrame);
    const names = ["screen", "high", "seen", "attention"].map((name) => `${name}-${number}`);
    const [screen, high, seen, attention] = await Promise.all(names.map(unpacked));
    const { rows, columns } = SEEN;
    return {
      firstStep,
      firstFrame,
      screen: pictures(screen, frames, SCREEN.rows, SCREEN.columns),
      high: high && pictures(high, frames, SCREEN.rows, SCREEN.columns),
      seen: pictures(seen, steps + STACK - 1, rows, columns),
      attention: attention && pictures(attention, steps, rows, columns / 2),
    };
  }

  /** Steps at which the two networks would do something else. */
  #differences() {
    const steps = [];
    if (!this.q || !this.otherQ) return steps;
    for (let step = 0; step < this.steps; step++) {
      if (largest(this.q, step) !== largest(this.otherQ, step)) steps.push(step);
    }
    return steps;
  }
}
