/* The player: its clock, and the moment that everything on the page shows. */

const SPEEDS = [0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16];
const counted = new Intl.NumberFormat("en");

class Player {
  constructor(episode) {
    this.episode = episode;
    this.frame = 0;
    /** The moment, in frames and parts of one. Played together with a longer episode it goes on
     * past this one's end, whose last frame stays on the screen. */
    this.position = 0;
    this.extent = episode.frames;
    this.playing = false;
    /** Whether the clock is another player's. */
    this.led = false;
    this.speed = 1;
    this.sync = Sync.of(this);
    this.pictures = new Pictures(episode);
    this.timeline = new Timeline(episode, (frame) => this.seek(frame));
    this.table = new ActionTable(episode);
    this.drawing = new ValueDrawing(episode, (frame) => this.seek(frame));
  }

  /** Go to a frame. */
  seek(frame) {
    this.#to(Math.round(frame));
    this.#lead();
  }

  /** Some frames on, or back. */
  seekBy(frames) {
    this.seek(Math.floor(this.position) + frames);
  }

  /** To the first frame of a step that is so many away. */
  seekStep(away) {
    this.seek((this.episode.stepOf(this.position) + away) * this.episode.framesPerStep);
  }

  /** To the next of some rising frames, or the one before where `away` is -1. */
  seekAmong(frames, away) {
    const next =
      away > 0
        ? frames.find((frame) => frame > this.position)
        : frames.findLast((frame) => frame < Math.floor(this.position));
    if (next !== undefined) this.seek(next);
  }

  play() {
    if (this.position >= this.extent - 1) this.position = 0;
    this.playing = true;
    this.#to(this.position);
    this.#lead();
  }

  pause() {
    this.playing = false;
    this.show();
    this.#lead();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  setSpeed(speed) {
    this.#showSpeed(speed);
    this.#lead();
  }

  /** The next speed in some direction. */
  changeSpeed(away) {
    const place = SPEEDS.indexOf(this.speed) + away;
    this.setSpeed(SPEEDS[Math.min(Math.max(place, 0), SPEEDS.length - 1)]);
  }

  /** Do what the leading player does. */
  follow({ position, playing, speed }) {
    this.led = true;
    this.playing = playing;
    this.#showSpeed(speed);
    this.#to(position);
  }

  /** The user did something: this player's clock counts from here on. */
  #lead() {
    this.led = false;
    if (this.sync) this.sync.report(true);
    else if (!this.playing) history.replaceState(null, "", `#frame=${this.frame}`);
    if (this.playing) this.#start();
  }

  /** No other player leads any more: go on by the own clock. */
  release() {
    if (!this.led) return;
    this.led = false;
    if (this.playing) this.#start();
  }

  #start() {
    this.run = {}; // a clock that was started before stops
    this.clock = undefined;
    this.#later(this.run);
  }

  #later(run) {
    let waiting = true;
    const tick = () => {
      if (waiting) this.#tick(performance.now(), run);
      waiting = false;
    };
    requestAnimationFrame(tick);
    // A player that is scrolled out of view gets no animation frames, but may lead others.
    if (this.sync && !document.hidden) setTimeout(tick, 34);
  }

  #tick(now, run) {
    if (!this.playing || this.led || run !== this.run) return;
    // After a pause of the browser, a hidden tab's for one, the game goes on where it was.
    const seconds = Math.min((now - (this.clock ?? now)) / 1000, 0.25);
    this.clock = now;
    // The clock waits while a chunk is being unpacked.
    if (this.complete && seconds > 0) {
      this.#to(this.position + seconds * FRAMES_PER_SECOND * this.speed);
      this.sync?.report(false);
    }
    if (this.position >= this.extent - 1) this.pause();
    else this.#later(run);
  }

  #showSpeed(speed) {
    this.speed = speed;
    $("speed").value = String(speed);
  }

  #to(position) {
    this.position = Math.min(Math.max(position, 0), this.extent - 1);
    this.frame = Math.min(Math.floor(this.position), this.episode.frames - 1);
    this.show();
  }

  /** Show the moment everywhere; pictures follow as soon as they are unpacked. */
  show() {
    const { episode, frame } = this;
    const number = episode.chunkOf(frame);
    const chunk = episode.chunk(number, () => this.show());
    this.complete = chunk !== null;
    $("loading").hidden = this.complete;
    $("play").textContent = this.playing ? "Pause" : "Play";
    if (chunk && this.playing) episode.chunk(number + 1, () => {});
    const now = `${frame} ${this.complete}`;
    if (now === this.shown) return;
    this.shown = now;
    document.documentElement.dataset.frame = chunk ? frame : "";
    if (chunk) this.pictures.show(chunk, frame);
    const step = episode.stepOf(frame);
    this.table.show(step);
    this.drawing.show(step);
    this.#figures(frame, step);
  }

  #figures(frame, step) {
    const { episode } = this;
    const over = episode.stepsOver(frame);
    const time = clockTime(frame / FRAMES_PER_SECOND);
    $("score").textContent = counted.format(episode.scores[over]);
    $("lives").textContent = episode.lives[over];
    $("time").textContent = time;
    $("step").textContent = counted.format(step);
    $("frame").textContent = counted.format(frame);
    $("link").href = `#frame=${frame}`;
    this.timeline.show(frame, `frame ${frame}, ${time}, score ${episode.scores[over]}`);
  }

  /** Draw again what depends on the page's width and colours. */
  redraw() {
    this.timeline.draw();
    this.drawing.resize();
    this.drawing.show(this.episode.stepOf(this.frame));
  }
}

/** Seconds as minutes, seconds and hundredths: 0:04.20. */
function clockTime(seconds) {
  const rest = (seconds % 60).toFixed(2).padStart(5, "0");
  return `${Math.floor(seconds / 60)}:${rest}`;
}
