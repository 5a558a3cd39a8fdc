// The screen at the entrance. A message holds for so many seconds after it came, by this machine's
// own clock: when they are over and no other has come, the figures go.
"use strict";
const body = document.body;
const names = JSON.parse(body.dataset.zones);
const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "short", timeZone: body.dataset.timeZone });
const at = (id) => document.getElementById(id);
const zones = {};
let whole = null;
let running = 0;

const boards = new Map(names.map(([id, name]) => {
  const board = document.createElement("li");
  board.className = "board";
  const shape = document.createElement("span");
  shape.className = "shape";
  shape.setAttribute("aria-hidden", "true");
  const words = document.createElement("span");
  words.className = "name";
  words.textContent = name;
  const count = document.createElement("strong");
  board.append(shape, words, count);
  at("zones").append(board);
  return [id, board];
}));

/** What a driver is told of [total, free, occupied, unknown, closed]; null: nothing is known. */
function told(counts) {
  if (!counts || counts[3] + counts[4] >= counts[0] && counts[3] > 0) return { state: "unknown", text: "–" };
  if (counts[1] > 0) return { state: "free", text: String(counts[1]) };
  // Not a single bay is known to be free; where some are unknown it may not be said to be full.
  return counts[3] > 0 ? { state: "unknown", text: "–" } : { state: "none", text: "full" };
}

function draw(blank) {
  const all = told(blank ? null : whole);
  body.classList.toggle("blank", all.state === "unknown");
  body.classList.toggle("full", all.state === "none");
  at("free").textContent = all.text;
  at("shape").dataset.state = all.state;
  at("words").textContent = { free: "free bays", none: "no free bay", unknown: "no figures now" }[all.state];
  if (blank) at("as-of").textContent = "";
  for (const [id, board] of boards) {
    const zone = told(blank ? null : zones[id]);
    board.dataset.state = board.firstChild.dataset.state = zone.state;
    board.lastChild.textContent = zone.text;
  }
  const words = all.state === "free" ? `${all.text} free bays` : at("words").textContent;
  if (at("spoken").textContent !== words) at("spoken").textContent = words;
}

function hear(message) {
  const now = JSON.parse(message.data);
  Object.assign(zones, now.zones);
  whole = now.lot ?? whole;
  if (!("left_s" in now)) return draw(!running);
  const left_s = now.heard === false ? 0 : now.left_s;
  clearTimeout(running);
  running = left_s > 0 ? setTimeout(() => { running = 0; draw(true); }, left_s * 1000) : 0;
  at("as-of").textContent = clock.format(now.as_of);
  draw(!running);
}

draw(true);
function listen() {
  const events = new EventSource(body.dataset.events);
  events.onmessage = hear;
  // A refusal ends an EventSource for good; a screen that nobody touches tries again.
  events.onerror = () => { if (events.readyState === EventSource.CLOSED) setTimeout(listen, 5000); };
}
listen();
