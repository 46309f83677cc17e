// Puts the parts together: what the server says goes to the canvases and numbers.

import { Connection } from "./connection.js";
import { Head } from "./head.js";
import { Plots } from "./plots.js";
import { Stage } from "./stage.js";

const FORGET_MS = 1500; // how long a face that has gone stays selected
const STATES = { starting: "starting", playing: "live", waiting: "waiting for the source", ended: "ended", failed: "failed" };

const find = (selector) => document.querySelector(selector);
const page = document.body.dataset;
const stage = new Stage(find("#picture"), select);
const head = new Head(find("#model"));
const plots = new Plots(find("#plots"));
let selected = null;
let seenAt = 0;
let latest = null; // { bitmap, header } to be drawn
let newest = -1; // serial of the newest frame decoded
let failure = "";

const connection = new Connection({ frame: onFrame, status: onStatus, link: onLink });
connection.open();

async function onFrame({ header, jpeg }) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(jpeg);
  } catch (error) {
    console.error("a frame is no JPEG", error);
    connection.shown(header.serial);
    return;
  }
  if (header.serial < newest) {
    bitmap.close(); // a later frame was decoded sooner
    connection.shown(header.serial);
    return;
  }
  newest = header.serial;
  if (latest) latest.bitmap.close();
  else requestAnimationFrame(draw); // a hidden tab draws nothing, so the server sends it nothing
  latest = { bitmap, header };
}

function draw() {
  const { bitmap, header } = latest;
  latest = null;
  const face = choose(header.faces);
  stage.set(bitmap, header, selected);
  head.set(face);
  plots.add(header.clock_s, face);
  plots.draw();
  showAngles(face);
  showPeople(header.faces);
  find("#faces").textContent = header.faces.length;
  find("#stage").style.setProperty("--aspect", header.size.join(" / "));
  page.frames = Number(page.frames) + 1;
  page.serial = header.serial;
  connection.shown(header.serial);
}

// The selected face; when it has gone for a while, the largest one.
function choose(faces) {
  const now = performance.now();
  const face = faces.find(({ id }) => id === selected);
  if (face) seenAt = now;
  if (face || now - seenAt < FORGET_MS || !faces.length) return face ?? null;
  const area = ({ box_xyxy: [x0, y0, x1, y1] }) => (x1 - x0) * (y1 - y0);
  const largest = faces.reduce((best, other) => (area(other) > area(best) ? other : best));
  select(largest.id);
  return largest;
}

function select(id) {
  if (id !== selected) plots.clear();
  selected = id;
  seenAt = performance.now();
}

function showAngles(face) {
  document.querySelectorAll("#angles > div").forEach((row, axis) => {
    const [value, spread] = row.querySelectorAll("dd");
    value.textContent = face ? signed(face.euler_deg[axis]) : "–";
    spread.textContent = face && face.std_deg[axis] !== null ? `± ${face.std_deg[axis].toFixed(1)}°` : "";
  });
}

const signed = (degrees) => `${degrees < 0 ? "−" : "+"}${Math.abs(degrees).toFixed(1)}°`;

// One button for each face; they stay the same elements while the faces do, so that a tap meets its button.
function showPeople(faces) {
  const group = find("#people");
  const ids = faces.map(({ id }) => id).sort((a, b) => a - b);
  if (group.dataset.ids !== ids.join()) {
    group.dataset.ids = ids.join();
    group.replaceChildren(...ids.map(makeButton));
  }
  for (const button of group.children) button.setAttribute("aria-pressed", String(Number(button.value) === selected));
}

function makeButton(id) {
  const button = document.createElement("button");
  button.type = "button";
  button.value = id;
  button.textContent = `face ${id}`;
  button.addEventListener("click", () => select(id));
  return button;
}

function onStatus(status) {
  failure = status.state === "failed" ? status.detail : "";
  enter(status.state, STATES[status.state], status.state === "playing" ? "" : status.detail);
  find("#source").textContent = [status.source, status.model].filter(Boolean).join("  ·  ");
  find("#fps").textContent = status.fps.toFixed(status.fps < 10 ? 1 : 0);
  find("#latency").textContent = milliseconds(status.latency_ms.p50, status.latency_ms.p99);
  find("#screen").textContent = milliseconds(status.viewer.shown_ms);
  find("#viewers").textContent = `${status.viewers} / ${status.viewer.drops}`;
}

function milliseconds(...values) {
  if (values[0] === null) return "–";
  return `${values.map((value) => value.toFixed(value < 10 ? 1 : 0)).join(" / ")} ms`;
}

function onLink(link, detail) {
  if (link === "open") newest = -1; // a server that has restarted counts anew; the status that follows says more
  else if (link === "refused") enter("refused", "refused", detail);
  else enter("lost", "reconnecting", failure ? `the source failed: ${failure}` : "no connection to the server; trying again");
}

function enter(state, text, notice) {
  page.state = state;
  find("#state span").textContent = text;
  find("#notice").textContent = notice;
  find("#notice").hidden = !notice;
}

for (const name of ["axes", "boxes"]) {
  find(`#${name}`).addEventListener("click", ({ currentTarget }) => {
    stage.show[name] = !stage.show[name];
    currentTarget.setAttribute("aria-pressed", String(stage.show[name]));
    stage.draw();
  });
}
