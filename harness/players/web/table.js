/* The Q-values of this moment as a table. */

/** How far Q-values lie below the best of their step: what 95 of 100 stay under. */
function usualGap(rows, steps) {
  const gaps = [];
  const every = Math.max(1, Math.floor(steps / 2000));
  for (let step = 0; step < steps; step += every) {
    const best = rows[largest(rows, step)][step];
    for (const row of rows) gaps.push(best - row[step]);
  }
  gaps.sort((a, b) => a - b);
  return gaps[Math.floor(0.95 * (gaps.length - 1))] || 1;
}

/** The actions of a game with what the networks think of each at one step. */
class ActionTable {
  constructor(episode) {
    this.episode = episode;
    const table = $("actions");
    const heads = ["Action"];
    if (episode.q) heads.push("Q-value");
    if (episode.otherQ) heads.push(episode.q ? "Second" : "Network of --with");
    const top = table.tHead.insertRow();
    top.append(...heads.map((head) => element("th", { scope: "col" }, head)));
    this.networks = [episode.q, episode.otherQ].filter(Boolean);
    this.gaps = this.networks.map((rows) => usualGap(rows, episode.steps));
    this.rows = episode.names.map((name) => {
      const row = table.tBodies[0].insertRow();
      row.append(element("th", { scope: "row" }, name));
      return { row, cells: this.networks.map(() => new ValueCell(row.insertCell())) };
    });
  }

  show(step) {
    const best = this.networks.map((rows) => largest(rows, step));
    this.rows.forEach(({ row, cells }, action) => {
      const taken = action === this.episode.actions[step];
      row.classList.toggle("taken", taken);
      if (taken) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
      cells.forEach((cell, network) => {
        const rows = this.networks[network];
        const gap = rows[best[network]][step] - rows[action][step];
        cell.show(rows[action][step], 1 - gap / this.gaps[network], action === best[network]);
      });
    });
  }
}

/** A Q-value and a bar, full for the best action. */
class ValueCell {
  constructor(cell) {
    cell.className = "value";
    this.cell = cell;
    this.bar = element("span", { class: "bar" });
    this.number = element("span");
    cell.append(this.bar, this.number);
  }

  show(value, share, best) {
    this.number.textContent = value.toFixed(3);
    this.bar.style.width = `${100 * Math.max(share, 0)}%`;
    this.cell.classList.toggle("best", best);
  }
}
