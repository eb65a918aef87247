/* The player: its clock, its controls, and the moment that everything on the page shows. */

const SPEEDS = [0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16];
const $ = (id) => document.getElementById(id);
const counted = new Intl.NumberFormat("en");

class Player {
  constructor(episode) {
    this.episode = episode;
    this.frame = 0;
    this.playing = false;
    this.speed = 1;
    this.pictures = new Pictures(episode);
    this.timeline = new Timeline(episode, (frame) => this.seek(frame));
    this.table = new ActionTable(episode);
    this.drawing = new ValueDrawing(episode, (frame) => this.seek(frame));
  }

  /** Go to a frame; the address becomes a link to it unless the game goes on playing. */
  seek(frame) {
    this.position = this.frame = Math.min(Math.max(Math.round(frame), 0), this.episode.frames - 1);
    this.show();
    if (!this.playing) this.note();
  }

  /** To the first frame of a step that is so many away. */
  seekStep(away) {
    this.seek((this.episode.stepOf(this.frame) + away) * this.episode.framesPerStep);
  }

  /** To the next of some rising frames, or the one before where `away` is -1. */
  seekAmong(frames, away) {
    const found =
      away > 0
        ? frames.find((frame) => frame > this.frame)
        : frames.findLast((frame) => frame < this.frame);
    if (found !== undefined) this.seek(found);
  }

  /** Put the moment into the address. */
  note() {
    history.replaceState(null, "", `#frame=${this.frame}`);
  }

  play() {
    if (this.frame === this.episode.frames - 1) this.position = this.frame = 0;
    this.playing = true;
    this.position = this.frame;
    this.clock = undefined;
    requestAnimationFrame((now) => this.#tick(now));
    this.show();
  }

  pause() {
    this.playing = false;
    this.show();
    this.note();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  #tick(now) {
    if (!this.playing) return;
    // After a pause of the browser, a hidden tab's for one, the game goes on where it was.
    const seconds = Math.min((now - (this.clock ?? now)) / 1000, 0.25);
    this.clock = now;
    // The clock waits while a chunk is being unpacked.
    if (this.complete) this.position += seconds * FRAMES_PER_SECOND * this.speed;
    const frame = Math.min(Math.floor(this.position), this.episode.frames - 1);
    if (frame !== this.frame) {
      this.frame = frame;
      this.show();
    }
    if (frame === this.episode.frames - 1) this.pause();
    else requestAnimationFrame((later) => this.#tick(later));
  }

  setSpeed(speed) {
    this.speed = speed;
    $("speed").value = String(speed);
  }

  /** The next speed in some direction. */
  changeSpeed(away) {
    const place = SPEEDS.indexOf(this.speed) + away;
    this.setSpeed(SPEEDS[Math.min(Math.max(place, 0), SPEEDS.length - 1)]);
  }

  /** Show the moment everywhere; pictures follow as soon as they are unpacked. */
  show() {
    const { episode, frame } = this;
    const number = episode.chunkOf(frame);
    const chunk = episode.chunk(number, () => this.show());
    this.complete = chunk !== null;
    $("loading").hidden = this.complete;
    document.documentElement.dataset.frame = chunk ? frame : "";
    if (chunk) {
      this.pictures.show(chunk, frame);
      if (this.playing) episode.chunk(number + 1, () => {});
    }
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
    $("play").textContent = this.playing ? "Pause" : "Play";
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

/** The frame that the address asks for; null where it asks for none. */
function frameOfAddress() {
  const found = /^#frame=(\d{1,9})$/.exec(location.hash);
  return found && Number(found[1]);
}

function describe(episode) {
  const minutes = clockTime(episode.frames / FRAMES_PER_SECOND);
  const score = episode.scores[episode.steps];
  $("game").textContent = episode.game;
  let summary = `Score ${counted.format(score)} in ${counted.format(episode.steps)} steps, ${minutes} minutes.`;
  if (episode.q && episode.otherQ) {
    const share = (100 * episode.differing.length) / episode.steps;
    summary += ` The second network would do something else in ${counted.format(episode.differing.length)} of them (${share.toFixed(1)}%).`;
  }
  $("summary").textContent = summary;
  if (episode.departs !== null) {
    $("warning").hidden = false;
    $("warning").textContent = `Simulated again here, the game departs from its recording at step ${counted.format(episode.departs)}; what follows is another game.`;
  }
  for (const [name, value] of [["File", episode.name], ...episode.facts]) {
    const pair = document.createElement("div");
    const [term, text] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    text.textContent = value;
    pair.append(term, text);
    $("facts").append(pair);
  }
  $("lives-figure").hidden = !episode.lives.some((lives) => lives > 0);
  $("reward").hidden = !episode.rewards.some((reward) => reward !== 0);
  $("differ").hidden = !episode.differing.length;
  $("attention-switch").hidden = !episode.attention;
  for (const part of document.querySelectorAll(".second")) part.hidden = !episode.differing.length;
  for (const part of document.querySelectorAll(".attends")) part.hidden = !episode.attention;
  for (const speed of SPEEDS) $("speed").add(new Option(`${speed}x`, String(speed)));
}

/** What each key does; keys with Shift are written in capitals. */
function keysOf(player, rewarded, differing) {
  const frames = player.episode.frames;
  return {
    " ": () => player.toggle(),
    ArrowLeft: () => player.seek(player.frame - 1),
    ArrowRight: () => player.seek(player.frame + 1),
    ShiftArrowLeft: () => player.seekStep(-1),
    ShiftArrowRight: () => player.seekStep(1),
    Home: () => player.seek(0),
    End: () => player.seek(frames - 1),
    "+": () => player.changeSpeed(1),
    "=": () => player.changeSpeed(1),
    "-": () => player.changeSpeed(-1),
    r: () => player.seekAmong(rewarded, 1),
    R: () => player.seekAmong(rewarded, -1),
    d: () => player.seekAmong(differing, 1),
    D: () => player.seekAmong(differing, -1),
    a: () => player.episode.attention && $("attend").click(),
    "?": () => $("help").showModal(),
  };
}

function connect(player) {
  const { episode } = player;
  const rewarded = [];
  episode.rewards.forEach((reward, step) => {
    if (reward) rewarded.push(episode.endOf(step));
  });
  const differing = episode.differing.map((step) => step * episode.framesPerStep);
  const keys = keysOf(player, rewarded, differing);

  $("play").addEventListener("click", () => player.toggle());
  $("screen").addEventListener("click", () => player.toggle());
  $("back").addEventListener("click", keys.ArrowLeft);
  $("on").addEventListener("click", keys.ArrowRight);
  $("reward").addEventListener("click", keys.r);
  $("differ").addEventListener("click", keys.d);
  $("help-button").addEventListener("click", keys["?"]);
  $("speed").addEventListener("change", () => player.setSpeed(Number($("speed").value)));
  $("attend").addEventListener("change", () => {
    $("attention").hidden = !$("attend").checked;
  });

  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    const shifted = event.shiftKey && key.startsWith("Arrow") ? `Shift${key}` : key;
    if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
    // A button takes the space bar, a list of speeds its arrows.
    if (key === " " && target.closest("button, input, select, a")) return;
    if (target.closest("select")) return;
    if (!Object.hasOwn(keys, shifted)) return;
    event.preventDefault();
    keys[shifted]();
  });
  window.addEventListener("hashchange", () => {
    const frame = frameOfAddress();
    if (frame !== null && frame !== player.frame) player.seek(frame);
  });
  new ResizeObserver(() => player.redraw()).observe(document.querySelector("main"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => player.redraw());
}

async function start() {
  if (typeof DecompressionStream === "undefined") {
    throw new Error("This browser is too old for the page: it cannot unpack deflate streams.");
  }
  const episode = await Episode.open();
  describe(episode);
  const player = new Player(episode);
  player.setSpeed(1);
  connect(player);
  player.seek(frameOfAddress() ?? 0);
}

start().catch((error) => {
  $("loading").hidden = false;
  $("loading").textContent = error.message;
  throw error;
});
