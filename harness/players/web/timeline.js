/* The whole episode on one line: score, rewards, lost lives, where networks differ; and the head,
 * which can be dragged. */

/** A canvas as large as it is shown, sharp on every screen; its context counts CSS pixels. */
function sharpContext(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const { width, height } = canvas.getBoundingClientRect();
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  return { context, width, height };
}

/** The page's colours, which depend on light and dark. */
function inks() {
  const style = getComputedStyle(document.documentElement);
  const names = ["ink", "soft", "rule", "wash", "card", "link", "good", "bad", "second"];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

class Timeline {
  constructor(episode, seek) {
    this.episode = episode;
    this.box = $("timeline");
    this.head = $("head");
    this.box.setAttribute("aria-valuemax", episode.frames - 1);
    this.box.addEventListener("pointerdown", (event) => {
      this.box.setPointerCapture(event.pointerId);
      seek(this.#frameAt(event));
    });
    this.box.addEventListener("pointermove", (event) => {
      if (this.box.hasPointerCapture(event.pointerId)) seek(this.#frameAt(event));
    });
    this.draw();
  }

  #frameAt(event) {
    const { left, width } = this.box.getBoundingClientRect();
    const share = Math.min(Math.max((event.clientX - left) / width, 0), 1);
    return Math.round(share * (this.episode.frames - 1));
  }

  /** Move the head; `spoken` says where to those who do not see it. */
  show(frame, spoken) {
    const share = frame / Math.max(this.episode.frames - 1, 1);
    this.head.style.left = `${100 * share}%`;
    this.box.setAttribute("aria-valuenow", frame);
    this.box.setAttribute("aria-valuetext", spoken);
  }

  draw() {
    const { context, width, height } = sharpContext(this.box.querySelector("canvas"));
    const { steps, rewards, lives, differing } = this.episode;
    const ink = inks();
    const x = (step) => (step / steps) * width;
    const tick = (step, top, bottom, colour) => {
      context.fillStyle = colour;
      context.fillRect(Math.min(x(step), width - 2), top, Math.max(1.5, width / steps), bottom - top);
    };
    for (const step of differing) tick(step, height - 5, height, ink.second);
    this.#drawScore(context, x, height, ink);
    rewards.forEach((reward, step) => {
      if (reward > 0) tick(step + 1, 4, 14, ink.good);
      if (reward < 0) tick(step + 1, 4, 14, ink.bad);
      if (lives[step + 1] < lives[step]) this.#drawLoss(context, x(step + 1), ink.bad);
    });
  }

  /** The score as a staircase over a wash. */
  #drawScore(context, x, height, ink) {
    const { scores, steps } = this.episode;
    const [low, high] = range([scores]); // scores begin with 0
    const [top, bottom] = [20, height - 9];
    const y = (score) => bottom - ((score - low) / Math.max(high - low, 1)) * (bottom - top);
    context.strokeStyle = ink.rule;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(0, y(0));
    context.lineTo(x(steps), y(0));
    context.stroke();
    context.beginPath();
    context.moveTo(0, y(0));
    for (let step = 1; step <= steps; step++) {
      if (scores[step] !== scores[step - 1]) context.lineTo(x(step), y(scores[step - 1]));
      if (scores[step] !== scores[step - 1] || step === steps) context.lineTo(x(step), y(scores[step]));
    }
    context.strokeStyle = ink.soft;
    context.lineWidth = 1.6;
    context.stroke();
  }

  /** A lost life: a cross, so that it is not told from a lost point by its colour alone. */
  #drawLoss(context, x, colour) {
    context.strokeStyle = colour;
    context.lineWidth = 2;
    context.beginPath();
    for (const side of [-3.5, 3.5]) {
      context.moveTo(x - side, 5);
      context.lineTo(x + side, 12);
    }
    context.stroke();
  }
}
