// A head from formulas, turned as the selected face.

import { Surface, axes, column, mix, rgb } from "./canvas.js";

const ROWS = 32;
const COLUMNS = 38;
const FRONTAL = [1, 0, 0, 0, 1, 0, 0, 0, 1];
const DARK = "rgb(12 16 22 / 0.85)";
const STYLES = { eye: ["#ffffff", DARK, 1.2], iris: ["#26364d", null, 0], brow: [null, DARK, 3], mouth: [null, "rgb(120 40 40 / 0.9)", 2.4], ear: [null, "rgb(12 16 22 / 0.45)", 1.6] };
const LIGHT = normal([-0.45, -0.7, -0.75]); // from where it comes: left, above, in front

// Half width, depth to the front and to the back at heights from crown (-1) to chin (1), in half heights of a head.
const OUTLINE = [
  [-1.0, 0.0, 0.0, 0.0], [-0.97, 0.24, 0.25, 0.34], [-0.86, 0.45, 0.46, 0.62], [-0.68, 0.59, 0.62, 0.82],
  [-0.45, 0.67, 0.73, 0.94], [-0.2, 0.69, 0.76, 0.97], [0.05, 0.68, 0.755, 0.9], [0.28, 0.645, 0.75, 0.74],
  [0.5, 0.575, 0.735, 0.5], [0.7, 0.475, 0.71, 0.22], [0.86, 0.35, 0.66, -0.05], [0.96, 0.2, 0.57, -0.22],
  [1.0, 0.0, 0.4, -0.4],
];

const bell = (value, centre, width) => Math.exp(-0.5 * ((value - centre) / width) ** 2);
const ramp = (from, to, value) => {
  const t = Math.min(1, Math.max(0, (value - from) / (to - from)));
  return t * t * (3 - 2 * t);
};

function outline(y) {
  const next = Math.max(1, OUTLINE.findIndex(([height]) => height >= y));
  const [a, b] = [OUTLINE[next - 1], OUTLINE[next]];
  const [p, q] = [OUTLINE[Math.max(0, next - 2)], OUTLINE[Math.min(OUTLINE.length - 1, next + 1)]];
  const t = (y - a[0]) / (b[0] - a[0]);
  // Cubic Hermite with finite differences: smooth through every row of the table.
  return [1, 2, 3].map((k) => {
    const step = b[0] - a[0];
    const m0 = ((b[k] - p[k]) / (b[0] - p[0])) * step;
    const m1 = ((q[k] - a[k]) / (q[0] - a[0])) * step;
    return (2 * t ** 3 - 3 * t ** 2 + 1) * a[k] + (t ** 3 - 2 * t ** 2 + t) * m0 + (3 * t ** 2 - 2 * t ** 3) * b[k] + (t ** 3 - t ** 2) * m1;
  });
}

// How far features stand out of the face at an angle from its middle (radians) and a height.
function relief(angle, y) {
  const side = Math.abs(angle);
  const nose = 0.27 * ramp(-0.2, 0.27, y) * (1 - ramp(0.27, 0.4, y)) * bell(angle, 0, 0.085 + 0.07 * ramp(-0.1, 0.3, y));
  const brow = 0.045 * bell(side, 0.34, 0.24) * bell(y, -0.27, 0.07);
  const socket = -0.085 * bell(side, 0.4, 0.15) * bell(y, -0.09, 0.085);
  const cheek = 0.045 * bell(side, 0.62, 0.2) * bell(y, 0.17, 0.15);
  const lips = 0.055 * bell(angle, 0, 0.24) * (bell(y, 0.53, 0.045) + bell(y, 0.64, 0.045));
  const chin = 0.07 * bell(angle, 0, 0.25) * bell(y, 0.87, 0.08);
  return nose + brow + socket + cheek + lips + chin;
}

// A point of the head: x to image-right when frontal, y down, z away from the viewer, as the camera's axes.
function surface(angle, y) {
  const [wide, front, back] = outline(y);
  const [s, c] = [Math.sin(angle), Math.cos(angle)];
  const ear = 0.15 * bell(Math.abs(angle), 1.75, 0.12) * bell(y, 0.03, 0.13);
  const x = Math.sign(s) * (wide * Math.abs(s) ** 0.9 + ear);
  return [x, y, c > 0 ? -front * c ** 0.85 - relief(angle, y) : back * (-c) ** 0.85];
}

function subtract(a, b) {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

function normal([x, y, z]) {
  const length = Math.hypot(x, y, z) || 1;
  return [x / length, y / length, z / length];
}

function cross(a, b) {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

function makeMesh() {
  const angles = Array.from({ length: COLUMNS }, (_, i) => {
    const t = (2 * i) / COLUMNS - 1;
    return Math.PI * (0.52 * t + 0.48 * t ** 3); // finer at the face
  });
  const heights = Array.from({ length: ROWS + 1 }, (_, j) => -Math.cos((Math.PI * j) / ROWS) * 0.55 + 0.45 * ((2 * j) / ROWS - 1));
  const points = heights.flatMap((y) => angles.map((angle) => surface(angle, y)));
  const quads = [];
  for (let j = 0; j < ROWS; j++) {
    for (let i = 0; i < COLUMNS; i++) {
      const k = (i + 1) % COLUMNS;
      quads.push([j * COLUMNS + i, j * COLUMNS + k, (j + 1) * COLUMNS + k, (j + 1) * COLUMNS + i]);
    }
  }
  addNeck(points, quads);
  return { points, quads };
}

// A tube from inside the head downwards.
function addNeck(points, quads) {
  const [around, down] = [24, 5];
  const first = points.length;
  for (let j = 0; j <= down; j++) {
    for (let i = 0; i < around; i++) {
      const [angle, y] = [(2 * Math.PI * i) / around, 0.5 + (0.8 * j) / down];
      const wide = 0.4 + 0.05 * (j / down) ** 2;
      points.push([wide * Math.sin(angle), y, 0.08 + 0.12 * (1.3 - y) - 0.42 * Math.cos(angle)]);
      const k = first + (j - 1) * around;
      if (j) quads.push([k + i, k + ((i + 1) % around), k + around + ((i + 1) % around), k + around + i]);
    }
  }
}

// Eyes, brows and mouth: lines a little above the skin.
function makeLines() {
  const above = (angle, y) => {
    const [x, height, z] = surface(angle, y);
    return [x, height, z - 0.012];
  };
  const steps = (count, make) => Array.from({ length: count }, (_, i) => make(i / (count - 1)));
  const lines = [];
  for (const side of [-1, 1]) {
    const lid = (bend) => (t) => above(side * (0.25 + 0.32 * t), -0.09 + bend * Math.sin(Math.PI * t) - 0.02 * t);
    lines.push({ points: [...steps(9, lid(-0.062)), ...steps(9, lid(0.042)).reverse()], kind: "eye" });
    lines.push({ points: steps(13, (t) => above(side * 0.41 + 0.055 * Math.cos(2 * Math.PI * t), -0.105 + 0.042 * Math.sin(2 * Math.PI * t))), kind: "iris" });
    lines.push({ points: steps(17, (t) => above(side * (1.7 + 0.13 * Math.sin(2 * Math.PI * t)), 0.03 - 0.19 * Math.cos(2 * Math.PI * t))), kind: "ear" });
    lines.push({ points: steps(8, (t) => above(side * (0.2 + 0.42 * t), -0.27 - 0.05 * Math.sin(2.3 * t))), kind: "brow" });
  }
  lines.push({ points: steps(13, (t) => above(0.62 * (t - 0.5), 0.585 - 0.1 * (t - 0.5) ** 2)), kind: "mouth" });
  return lines.map((line) => ({ ...line, facing: facing(line.points) }));
}

// Where the skin below a line looks: away from the head's upright axis.
function facing(points) {
  const [x, , z] = points.reduce((sum, point) => sum.map((value, index) => value + point[index] / points.length), [0, 0, 0]);
  return normal([1.2 * x, 0, z]);
}

const MESH = makeMesh();
const LINES = makeLines();

export class Head {
  constructor(canvas) {
    this.face = null;
    this.surface = new Surface(canvas, () => this.draw());
  }

  set(face) {
    this.face = face;
    this.draw();
  }

  draw() {
    const context = this.surface.clear();
    const { width, height } = this.surface;
    const rotation = this.face?.rotation ?? FRONTAL;
    const size = 0.335 * Math.min(width * 1.05, height);
    const project = (point) => {
      const [x, y, z] = turn(rotation, point);
      const near = 1 / (1 + 0.11 * z); // a little perspective
      return [width / 2 + size * near * x, height / 2 + size * near * y, z];
    };
    context.globalAlpha = this.face ? 1 : 0.25;
    context.lineJoin = context.lineCap = "round";
    const tips = axes(rotation);
    for (const axis of tips) if (axis.tip[2] > 0.25) this.drawAxis(context, axis, width, height, size);
    this.drawSurface(context, project, size);
    for (const axis of tips) if (axis.tip[2] <= 0.25) this.drawAxis(context, axis, width, height, size);
    if (this.face) this.drawSpread(context, width, height, size);
    context.globalAlpha = 1;
  }

  // Skin and lines, the far ones first; what is turned away is left out.
  drawSurface(context, project, size) {
    const points = MESH.points.map(project);
    const rotation = this.face?.rotation ?? FRONTAL;
    const parts = LINES.filter(({ facing }) => turn(rotation, facing)[2] < -0.15).map(({ points: line, kind }) => {
      const flat = line.map(project);
      return { flat, kind, depth: Math.min(...flat.map(([, , z]) => z)) - (kind === "iris" ? 0.1 : 0.03) };
    });
    for (const quad of MESH.quads) {
      const flat = quad.map((index) => points[index]);
      const [a, b, c, d] = flat;
      // Seen from outside, a quad runs against the clock.
      const area = (c[0] - a[0]) * (d[1] - b[1]) - (c[1] - a[1]) * (d[0] - b[0]);
      if (area > 0) parts.push({ flat, kind: "skin", depth: (a[2] + b[2] + c[2] + d[2]) / 4 });
    }
    parts.sort((first, second) => second.depth - first.depth);
    const [skin, dark] = [rgb(this.surface.colour("skin")), rgb(this.surface.colour("wire"))];
    for (const { flat, kind } of parts) {
      const [fill, line, thick] = kind === "skin" ? [shaded(flat, size, skin, dark), `rgb(${dark.join(" ")} / 0.22)`, 0.7] : STYLES[kind];
      context.beginPath();
      for (const [x, y] of flat) context.lineTo(x, y);
      if (kind === "skin") context.closePath();
      context.fillStyle = fill;
      context.strokeStyle = line;
      context.lineWidth = thick;
      if (fill) context.fill();
      if (line) context.stroke();
    }
  }

  drawAxis(context, { tip, colour }, width, height, size) {
    const reach = 1.32 * size;
    const from = tip[2] < -0.75 ? 0.2 : 0.62; // an axis begins outside the skin, but one toward us in the middle
    const [x, y] = [width / 2 + reach * tip[0], height / 2 + reach * tip[1]];
    context.strokeStyle = context.fillStyle = colour;
    context.lineWidth = Math.max(2.5, size / 34);
    context.beginPath();
    context.moveTo(width / 2 + from * reach * tip[0], height / 2 + from * reach * tip[1]);
    context.lineTo(x, y);
    context.stroke();
    context.beginPath();
    context.arc(x, y, context.lineWidth * 1.25, 0, 2 * Math.PI);
    context.fill();
  }

  // One standard deviation of yaw and pitch, around the tip of the blue axis.
  drawSpread(context, width, height, size) {
    const { rotation, std_deg: std } = this.face;
    if (std[0] === null || std[1] === null) return;
    const [across, along] = [std[0], std[1]].map((degrees) => Math.tan((Math.PI / 180) * Math.min(60, degrees)));
    const reach = 1.32 * size;
    context.beginPath();
    for (let step = 0; step < 32; step++) {
      const t = (step / 32) * 2 * Math.PI;
      const [x, y] = turn(rotation, normal([across * Math.cos(t), along * Math.sin(t), -1]));
      context.lineTo(width / 2 + reach * x, height / 2 + reach * y);
    }
    context.closePath();
    context.fillStyle = "rgb(61 134 255 / 0.25)";
    context.strokeStyle = "rgb(61 134 255 / 0.8)";
    context.lineWidth = 1;
    context.fill();
    context.stroke();
  }
}

function turn(r, [x, y, z]) {
  return [r[0] * x + r[1] * y + r[2] * z, r[3] * x + r[4] * y + r[5] * z, r[6] * x + r[7] * y + r[8] * z];
}

function lambert([x, y, z]) {
  return 0.34 + 0.66 * Math.max(0, x * LIGHT[0] + y * LIGHT[1] + z * LIGHT[2]);
}

// The colour of a quad in the light; its depth is in half heights of a head, its place in pixels.
function shaded(flat, size, skin, dark) {
  const [a, b, c, d] = flat.map(([x, y, z]) => [x / size, y / size, z]);
  return `rgb(${mix(dark, skin, lambert(normal(cross(subtract(d, b), subtract(c, a))))).map(Math.round).join(" ")})`;
}
