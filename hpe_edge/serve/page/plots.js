// Yaw, pitch and roll of the last seconds, with their spread as a band.

import { Surface } from "./canvas.js";

export const SECONDS = 12;
const NAMES = ["yaw", "pitch", "roll"];
const RANGES_DEG = [15, 30, 45, 60, 90, 120, 180];
const BREAK_S = 1.5; // a longer gap between two points is not bridged
const LEFT = 58;
const RIGHT = 14;
const FOOT = 22;

export class Plots {
  constructor(canvas) {
    this.points = []; // { time, euler, std } of the selected face
    this.now = 0;
    this.surface = new Surface(canvas, () => this.draw());
  }

  clear() {
    this.points = [];
  }

  // face: null where the selected one was not seen.
  add(time, face) {
    if (time < this.now) this.clear(); // another run of the server
    this.now = time;
    this.points.push({ time, euler: face?.euler_deg ?? null, std: face?.std_deg ?? null });
    const first = this.points.findIndex((point) => point.time >= time - SECONDS - BREAK_S);
    this.points.splice(0, first);
  }

  draw() {
    const context = this.surface.clear();
    const { width, height } = this.surface;
    const tall = (height - FOOT) / 3;
    this.drawSeconds(context, width, height);
    NAMES.forEach((name, axis) => this.drawPanel(context, name, axis, tall * axis, tall, width));
  }

  x(time, width) {
    return LEFT + (width - LEFT - RIGHT) * (1 - (this.now - time) / SECONDS);
  }

  drawSeconds(context, width, height) {
    context.font = "12px system-ui, sans-serif";
    context.textBaseline = "alphabetic";
    context.strokeStyle = this.surface.colour("grid");
    context.lineWidth = 1;
    for (let ago = 0; ago <= SECONDS; ago += 2) {
      const x = Math.round(this.x(this.now - ago, width)) + 0.5;
      line(context, x, 6, x, height - FOOT);
      context.fillStyle = this.surface.colour("faint");
      context.textAlign = ago === 0 ? "right" : "center";
      context.fillText(ago === 0 ? "now" : `−${ago} s`, ago === 0 ? x + 8 : x, height - 7);
    }
  }

  drawPanel(context, name, axis, top, tall, width) {
    const range = this.range(axis);
    const y = (degrees) => top + tall / 2 - (tall / 2 - 9) * Math.max(-1, Math.min(1, degrees / range));
    const colour = this.surface.colour(name);
    context.textBaseline = "middle";
    context.textAlign = "right";
    for (const degrees of [-range, 0, range]) {
      context.strokeStyle = this.surface.colour("grid");
      context.lineWidth = degrees === 0 ? 1.5 : 1;
      line(context, LEFT, y(degrees), width - RIGHT, y(degrees));
      context.font = degrees === 0 ? "600 13px system-ui, sans-serif" : "11px system-ui, sans-serif";
      context.fillStyle = degrees === 0 ? colour : this.surface.colour("faint");
      context.fillText(degrees === 0 ? name : `${degrees > 0 ? "+" : "−"}${range}°`, LEFT - 8, y(degrees));
    }
    context.save();
    context.beginPath();
    context.rect(LEFT, top, width - LEFT - RIGHT + 5, tall);
    context.clip();
    for (const run of this.runs()) this.drawRun(context, run, axis, y, width, colour);
    context.restore();
  }

  drawRun(context, run, axis, y, width, colour) {
    const at = (point) => this.x(point.time, width);
    if (run[0].std[axis] !== null) {
      context.fillStyle = colour;
      context.globalAlpha = 0.2;
      context.beginPath();
      for (const point of run) context.lineTo(at(point), y(point.euler[axis] + point.std[axis]));
      for (const point of [...run].reverse()) context.lineTo(at(point), y(point.euler[axis] - point.std[axis]));
      context.fill();
      context.globalAlpha = 1;
    }
    context.strokeStyle = context.fillStyle = colour;
    context.lineWidth = 2;
    context.lineJoin = "round";
    context.beginPath();
    for (const point of run) context.lineTo(at(point), y(point.euler[axis]));
    context.stroke();
    const last = run[run.length - 1];
    context.beginPath();
    context.arc(at(last), y(last.euler[axis]), last.time === this.now ? 3.5 : 1, 0, 2 * Math.PI);
    context.fill();
  }

  // Stretches without a gap.
  runs() {
    const runs = [];
    let before = null;
    for (const point of this.points) {
      if (point.euler) {
        if (!before?.euler || point.time - before.time > BREAK_S) runs.push([]);
        runs[runs.length - 1].push(point);
      }
      before = point;
    }
    return runs;
  }

  range(axis) {
    const largest = Math.max(0, ...this.points.map((point) => Math.abs(point.euler?.[axis] ?? 0)));
    return RANGES_DEG.find((range) => range >= 1.1 * largest) ?? 180;
  }
}

function line(context, x0, y0, x1, y1) {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}
