// The bays of a floor: one button each, drawn once and then changed alone. Where the layout says
// how they lie they lie so, else they stand in rows, a zone after the other.
const KINDS = { ev: "EV", accessible: "♿", permit: "P", vip: "★" };
const LEAST_PX_M = 10.5;  // a bay of 2.4 m is then 25 px wide: WCAG 2.2, 2.5.8 asks for 24
const MOST_PX_M = 34;
const EDGE_M = 1.2;
const MANY = 300;

export class Bays {
  constructor(ground, plan, clock, pick) {
    Object.assign(this, { ground, clock, pick, magnified: 1, buttons: new Map(), bays: [] });
    this.zones = new Map(plan.zones.map((zone) => [zone.id, zone.name]));
    ground.addEventListener("click", (event) => this.#clicked(event));
    ground.addEventListener("keydown", (event) => this.#step(event));
  }

  /** Draw a floor; answers whether it is drawn as it lies. */
  draw(bays, spots, blank) {
    this.bays = bays;
    this.states = spots;
    this.blank = blank;
    this.buttons.clear();
    this.lies = bays.length > 0 && bays.every((bay) => bay[3]);
    this.ground.replaceChildren(this.lies ? this.#plan() : this.#rows());
    this.ground.classList.toggle("lies", this.lies);
    this.ground.classList.toggle("many", !this.lies && bays.length > MANY);
    const first = this.buttons.values().next().value;
    if (first) first.tabIndex = 0;
    this.fit();
    return this.lies;
  }

  /** Show what a bay is now. */
  show(id, state) {
    const button = this.buttons.get(id);
    if (!button) return;
    const [status, since, reason] = this.blank && state?.[0] !== "closed" ? ["unknown", null, "gateway silent"]
      : state ?? ["unknown", null, ""];
    button.dataset.state = status;
    const when = since ? ` since ${this.clock.format(since)}` : reason ? `, ${reason.replaceAll("_", " ")}` : "";
    button.setAttribute("aria-label", `${id}, ${button.words}${status}${when}`);
  }

  setBlank(blank) {
    if (blank === this.blank) return;
    this.blank = blank;
    for (const id of this.buttons.keys()) this.show(id, this.states[id]);
  }

  /** Give what is drawn as it lies the width that there is. */
  fit() {
    if (!this.lies) return;
    const style = getComputedStyle(this.ground);
    const wide = this.ground.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const high = parseFloat(style.maxHeight) - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
    const room = Math.min(wide / (this.right - this.left), (high || Infinity) / (this.bottom - this.top));
    const scale = Math.min(MOST_PX_M, Math.max(LEAST_PX_M, room)) * this.magnified;
    const sheet = this.ground.firstChild;
    sheet.style.setProperty("--m", `${scale}px`);
    sheet.classList.toggle("named", scale * 2.2 > 40);
  }

  zoom(factor) {
    this.magnified = Math.min(4, Math.max(0.5, this.magnified * factor));
    this.fit();
  }

  seek(zone) {
    const found = this.bays.find((bay) => bay[1] === zone);
    if (!found) return;
    const button = this.buttons.get(found[0]);
    button.scrollIntoView({ block: "center", inline: "center" });
    this.#focusOn(button);
  }

  /** The panel of the picked bay is gone: go back to where it was. */
  release() {
    if (!this.picked) return;
    delete this.picked.dataset.picked;
    this.picked.focus({ preventScroll: true });
  }

  #bay([id, , kinds, box]) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "bay";
    button.dataset.id = id;
    button.tabIndex = -1;
    button.words = kinds.length ? `${kinds.join(", ")}, ` : "";
    const label = document.createElement("span");
    label.textContent = id;
    button.append(label);
    if (kinds.length) button.dataset.kinds = kinds.map((kind) => KINDS[kind] ?? "").join("");
    if (box) this.#place(button, box);
    this.buttons.set(id, button);
    this.show(id, this.states[id]);
    return button;
  }

  #place(button, [x, y, width, length, turn]) {
    const metres = (value) => `calc(${value.toFixed(2)} * var(--m))`;
    button.style.left = metres(x - width / 2 - this.left);
    button.style.top = metres(y - length / 2 - this.top);
    button.style.width = metres(width);
    button.style.height = metres(length);
    if (!turn) return;
    button.style.rotate = `${turn}deg`;
    button.style.setProperty("--back", `${-turn}deg`);
  }

  #plan() {
    const reach = this.bays.map(([, , , [x, y, width, length]]) => [x, y, Math.hypot(width, length) / 2]);
    this.left = Math.min(...reach.map(([x, , r]) => x - r)) - EDGE_M;
    this.right = Math.max(...reach.map(([x, , r]) => x + r)) + EDGE_M;
    this.top = Math.min(...reach.map(([, y, r]) => y - r)) - EDGE_M;
    this.bottom = Math.max(...reach.map(([, y, r]) => y + r)) + EDGE_M;
    const sheet = document.createElement("div");
    sheet.className = "sheet";
    sheet.style.width = `calc(${(this.right - this.left).toFixed(2)} * var(--m))`;
    sheet.style.height = `calc(${(this.bottom - this.top).toFixed(2)} * var(--m))`;
    sheet.append(...this.bays.map((bay) => this.#bay(bay)));
    return sheet;
  }

  #rows() {
    const rows = document.createDocumentFragment();
    for (const [zone, bays] of Map.groupBy(this.bays, (bay) => bay[1])) {
      const title = document.createElement("h3");
      title.textContent = this.zones.get(zone) ?? zone;
      const row = document.createElement("div");
      row.className = "row-of-bays";
      row.append(...bays.map((bay) => this.#bay(bay)));
      const part = document.createElement("div");
      part.className = "zone-of-bays";
      part.append(title, row);
      rows.append(part);
    }
    return rows;
  }

  #clicked(event) {
    const button = event.target.closest(".bay");
    if (!button) return;
    if (this.picked) delete this.picked.dataset.picked;
    this.picked = button;
    button.dataset.picked = "";
    this.#focusOn(button);
    this.pick(button.dataset.id);
  }

  #focusOn(button) {
    const before = this.ground.querySelector("[tabindex='0']");
    if (before) before.tabIndex = -1;
    button.tabIndex = 0;
    button.focus({ preventScroll: true });
  }

  /** To the nearest bay in the arrow's direction; what lies aside counts double. */
  #step(event) {
    const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
    const from = event.target.closest(".bay");
    if (!way || !from) return;
    event.preventDefault();
    const here = middle(from);
    let best = null, least = Infinity;
    for (const button of this.buttons.values()) {
      const there = middle(button);
      const dx = there[0] - here[0], dy = there[1] - here[1];
      const ahead = dx * way[0] + dy * way[1];
      const aside = Math.abs(dx * way[1]) + Math.abs(dy * way[0]);
      if (ahead > 2 && ahead + 2 * aside < least) { best = button; least = ahead + 2 * aside; }
    }
    if (!best) return;
    this.#focusOn(best);
    best.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
}

function middle(button) {
  const box = button.getBoundingClientRect();
  return [box.x + box.width / 2, box.y + box.height / 2];
}
