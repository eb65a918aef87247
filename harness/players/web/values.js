/* The Q-values of the steps around this moment as a drawing. */

const ROW = 15; // height of an action's row, CSS pixels
const LINES = 110; // height of the lines above
const AXIS = 18; // height of the seconds below
const GAP = 12;

/** The smallest and the largest of some rows of numbers. */
function range(rows) {
  const extremes = (pick) => rows.map((row) => row.reduce((a, b) => pick(a, b))).reduce((a, b) => pick(a, b));
  return [extremes(Math.min), extremes(Math.max)];
}

/** Q-values of the steps around this one: lines above, a row of shades for each action below. */
class ValueDrawing {
  constructor(episode, seek) {
    this.episode = episode;
    this.rows = episode.q ?? episode.otherQ;
    this.canvas = $("values");
    this.canvas.addEventListener("click", (event) => {
      const place = event.clientX - this.canvas.getBoundingClientRect().left - this.left;
      const step = this.first + Math.floor(place / this.cell);
      if (place >= 0 && step < episode.steps) seek(step * episode.framesPerStep);
    });
    if (this.rows) {
      this.gap = usualGap(this.rows, episode.steps);
      this.range = range([...(episode.q ?? []), ...(episode.otherQ ?? [])]);
    }
    this.#describe();
    this.resize();
  }

  #describe() {
    const { q, otherQ } = this.episode;
    const caption = this.rows ? "Q-values of every action around this moment" : "Actions taken around this moment";
    $("values-caption").textContent = caption;
    this.canvas.setAttribute("aria-label", `${caption}; the table has those of this step`);
    const both = q && otherQ;
    const notes = this.rows
      ? [
          `Lines: every action's Q-value${q ? "" : " of the second network"}, the best one strong.`,
          both && "Dashes: the second network's best.",
          "Bars: full for the best action of the step, empty for one far behind it.",
          "Rows: the stronger the colour, the closer to the best of the step.",
        ]
      : ["This recording has no Q-values."];
    notes.push("Dot: the action taken.", both && "Ring: what the second network would do instead.");
    $("values-note").textContent = notes.filter(Boolean).join(" ");
  }

  resize() {
    const rows = this.episode.names.length * ROW;
    this.top = this.rows ? LINES + GAP : 0;
    this.canvas.style.height = `${this.top + rows + AXIS}px`;
    Object.assign(this, sharpContext(this.canvas));
    this.ink = inks();
    this.left = this.width < 600 ? 92 : 118;
    this.cell = this.width < 600 ? 5 : 7;
    this.shown = Math.max(1, Math.floor((this.width - this.left) / this.cell));
    this.step = undefined;
  }

  show(step) {
    if (step === this.step) return;
    this.step = step;
    const latest = Math.max(this.episode.steps - this.shown, 0);
    this.first = Math.min(Math.max(step - Math.floor(this.shown / 2), 0), latest);
    this.last = Math.min(this.first + this.shown, this.episode.steps);
    const { context, width, height, ink } = this;
    context.clearRect(0, 0, width, height);
    context.font = "12px system-ui, sans-serif";
    context.fillStyle = ink.wash;
    context.fillRect(this.#x(step), 0, this.cell, height - AXIS);
    if (this.rows) this.#drawLines();
    this.#drawActions();
    this.#drawSeconds();
    context.strokeStyle = ink.ink;
    context.lineWidth = 1;
    context.strokeRect(this.#x(step) - 0.5, 0.5, this.cell, height - AXIS - 1);
  }

  #x(step) {
    return this.left + (step - this.first) * this.cell;
  }

  #y(value) {
    const [low, high] = this.range;
    return LINES - 4 - ((value - low) / (high - low || 1)) * (LINES - 16);
  }

  #line(value) {
    const { context } = this;
    context.beginPath();
    for (let step = this.first; step < this.last; step++) {
      context.lineTo(this.#x(step) + this.cell / 2, this.#y(value(step)));
    }
    context.stroke();
  }

  #drawLines() {
    const { context, ink, rows } = this;
    const { q, otherQ } = this.episode;
    this.#drawScale();
    context.lineJoin = "round";
    context.strokeStyle = ink.soft;
    context.globalAlpha = 0.45;
    context.lineWidth = 1;
    for (const row of rows) this.#line((step) => row[step]);
    context.globalAlpha = 1;
    context.lineWidth = 2;
    context.strokeStyle = ink.link;
    this.#line((step) => rows[largest(rows, step)][step]);
    if (!q || !otherQ) return;
    context.strokeStyle = ink.second;
    context.setLineDash([6, 4]);
    this.#line((step) => otherQ[largest(otherQ, step)][step]);
    context.setLineDash([]);
  }

  #drawScale() {
    const { context, ink } = this;
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const value of this.range) {
      context.strokeStyle = ink.rule;
      context.beginPath();
      context.moveTo(this.left, this.#y(value));
      context.lineTo(this.width, this.#y(value));
      context.stroke();
      context.fillStyle = ink.soft;
      context.fillText(value.toFixed(2), this.left - 8, this.#y(value));
    }
  }

  #drawActions() {
    const { context, ink, rows, cell } = this;
    const { actions, names, q, otherQ } = this.episode;
    names.forEach((name, action) => {
      const y = this.top + action * ROW;
      context.textAlign = "right";
      context.textBaseline = "middle";
      context.fillStyle = action === actions[this.step] ? ink.ink : ink.soft;
      context.fillText(name, this.left - 8, y + ROW / 2);
    });
    for (let step = this.first; step < this.last; step++) {
      const best = rows && largest(rows, step);
      const second = q && otherQ ? largest(otherQ, step) : best;
      for (let action = 0; rows && action < names.length; action++) {
        const share = 1 - (rows[best][step] - rows[action][step]) / this.gap;
        context.globalAlpha = Math.max(share, 0) ** 2 * 0.8;
        context.fillStyle = ink.link;
        context.fillRect(this.#x(step), this.top + action * ROW + 1, cell - 1, ROW - 2);
      }
      context.globalAlpha = 1;
      this.#mark(step, actions[step], true);
      if (second !== best) this.#mark(step, second, false);
    }
  }

  /** A dot or a ring in the row of an action. */
  #mark(step, action, full) {
    const { context, ink, cell } = this;
    context.beginPath();
    const radius = full ? cell / 2 - 1 : cell / 2 - 0.5;
    context.arc(this.#x(step) + cell / 2 - 0.5, this.top + (action + 0.5) * ROW, radius, 0, 7);
    if (full) {
      context.fillStyle = ink.ink;
      context.fill();
    } else {
      context.strokeStyle = ink.second;
      context.lineWidth = 2;
      context.stroke();
    }
  }

  #drawSeconds() {
    const { context, ink, height } = this;
    const perSecond = FRAMES_PER_SECOND / this.episode.framesPerStep;
    context.textAlign = "center";
    context.textBaseline = "bottom";
    context.fillStyle = ink.soft;
    for (let step = this.first; step < this.last; step++) {
      const x = this.#x(step) + this.cell / 2;
      if (step % (2 * perSecond) || x > this.width - 16) continue;
      context.fillText(`${step / perSecond} s`, x, height);
    }
  }
}
