/* What the page says of its episode, its buttons and keys, and its beginning. */

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
    $("facts").append(element("div", {}, element("dt", {}, name), element("dd", {}, value)));
  }
  $("lives-figure").hidden = !episode.lives.some((lives) => lives > 0);
  $("reward").hidden = !episode.rewards.some((reward) => reward !== 0);
  $("differ").hidden = !episode.differing.length;
  $("attention-switch").hidden = !episode.attention;
  describePlaces(episode.located);
  showAll(".second", episode.differing.length);
  showAll(".attends", episode.attention);
  for (const speed of SPEEDS) $("speed").add(new Option(`${speed}x`, String(speed), speed === 1, speed === 1));
}

/** Show every element that a selector matches, or hide them. */
function showAll(selector, shown) {
  for (const node of document.querySelectorAll(selector)) node.hidden = !shown;
}

/** How well each network's place of the object is known, and the switch of the marks. */
function describePlaces(located) {
  showAll(".located", located);
  if (!located) return;
  const whose = { place: "Circle: the agent", "other-place": "Diamond: the second network" };
  $("located-object").textContent = located.object;
  $("places-note").textContent = located.networks
    .map(({ block, error }) => `${whose[block]} (median error ${error.toFixed(1)} pixels).`)
    .concat([`Where each takes the ${located.object} to be, read from conv3; a guess errs by ${located.guess.toFixed(1)}. ${located.tested}`])
    .join(" ");
}

/** What each key does; keys with Shift are written in capitals. */
function keysOf(player, rewarded, differing) {
  return {
    " ": () => player.toggle(),
    ArrowLeft: () => player.seekBy(-1),
    ArrowRight: () => player.seekBy(1),
    ShiftArrowLeft: () => player.seekStep(-1),
    ShiftArrowRight: () => player.seekStep(1),
    Home: () => player.seek(0),
    End: () => player.seek(player.extent - 1),
    "+": () => player.changeSpeed(1),
    "=": () => player.changeSpeed(1),
    "-": () => player.changeSpeed(-1),
    r: () => player.seekAmong(rewarded, 1),
    R: () => player.seekAmong(rewarded, -1),
    d: () => player.seekAmong(differing, 1),
    D: () => player.seekAmong(differing, -1),
    a: () => player.episode.attention && $("attend").click(),
    o: () => player.episode.located && $("locate").click(),
    "?": () => $("help").showModal(),
  };
}

/** The name of a key, the arrows' with Shift where it is held. */
function shifted({ key, shiftKey }) {
  return shiftKey && key.startsWith("Arrow") ? `Shift${key}` : key;
}

function connect(player) {
  const { episode } = player;
  const rewarded = [];
  episode.rewards.forEach((reward, step) => {
    if (reward) rewarded.push(episode.endOf(step));
  });
  const differing = episode.differing.map((step) => step * episode.framesPerStep);
  const keys = keysOf(player, rewarded, differing);
  const clicks = {
    play: " ", screen: " ", back: "ArrowLeft", on: "ArrowRight", reward: "r", differ: "d", "help-button": "?",
  };
  for (const [id, key] of Object.entries(clicks)) $(id).addEventListener("click", keys[key]);
  $("speed").addEventListener("change", () => player.setSpeed(Number($("speed").value)));
  $("attend").addEventListener("change", () => {
    $("attention").hidden = !$("attend").checked;
  });
  $("locate").addEventListener("change", () => {
    $("places").hidden = !$("locate").checked;
  });

  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
    // The space bar presses a button, and arrows choose a speed.
    if (key === " " && target.closest("button, input, select, a")) return;
    if (target.closest("select")) return;
    const name = shifted(event);
    if (!Object.hasOwn(keys, name)) return;
    event.preventDefault();
    keys[name]();
  });
  window.addEventListener("hashchange", () => {
    const frame = frameOfAddress();
    if (frame !== null && frame !== player.frame) player.seek(frame);
  });
  new ResizeObserver(() => player.redraw()).observe(document.querySelector("main"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => player.redraw());
  player.sync?.begin((key) => Object.hasOwn(keys, key) && keys[key]());
}

/** The frame that the address asks for; null where it asks for none. */
function frameOfAddress() {
  const match = /^#frame=(\d{1,9})$/.exec(location.hash);
  return match && Number(match[1]);
}

async function start() {
  if (typeof DecompressionStream === "undefined") {
    throw new Error("This browser is too old for the page: it cannot unpack deflate streams.");
  }
  const episode = await Episode.open();
  describe(episode);
  const player = new Player(episode);
  connect(player);
  if (player.sync) player.show();
  else player.seek(frameOfAddress() ?? 0);
}

start().catch((error) => {
  $("loading").hidden = false;
  $("loading").textContent = error.message;
  throw error;
});
