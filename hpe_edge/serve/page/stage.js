// The picture with the axes and boxes of its faces.

import { Surface, axes } from "./canvas.js";

export class Stage {
  constructor(canvas, onPick) {
    this.show = { axes: true, boxes: true };
    this.bitmap = null;
    this.header = null;
    this.selected = null;
    this.surface = new Surface(canvas, () => this.draw());
    canvas.addEventListener("click", (event) => {
      const face = this.faceAt(event.offsetX, event.offsetY);
      if (face) onPick(face.id);
    });
  }

  set(bitmap, header, selected) {
    if (this.bitmap !== bitmap) this.bitmap?.close();
    [this.bitmap, this.header, this.selected] = [bitmap, header, selected];
    this.draw();
  }

  // Where the picture lies on the canvas, and how large one of its pixels is there.
  place() {
    const [width, height] = this.header.size;
    const scale = Math.min(this.surface.width / width, this.surface.height / height);
    return { scale, x: (this.surface.width - scale * width) / 2, y: (this.surface.height - scale * height) / 2 };
  }

  faceAt(x, y) {
    if (!this.header) return null;
    const { scale, x: left, y: top } = this.place();
    const [u, v] = [(x - left) / scale, (y - top) / scale];
    return this.header.faces.find(({ box_xyxy: [x0, y0, x1, y1] }) => u >= x0 && u < x1 && v >= y0 && v < y1);
  }

  draw() {
    const context = this.surface.clear();
    if (!this.bitmap) return;
    const [width, height] = this.header.size;
    const place = this.place();
    context.imageSmoothingQuality = "high";
    context.drawImage(this.bitmap, place.x, place.y, place.scale * width, place.scale * height);
    const many = this.header.faces.length > 1;
    for (const face of this.header.faces) {
      const box = face.box_xyxy.map((value, index) => (index % 2 ? place.y : place.x) + place.scale * value);
      context.globalAlpha = face.id === this.selected ? 1 : 0.6;
      if (this.show.boxes) drawBox(context, box, many ? `${face.id}` : "");
      if (this.show.axes) drawAxes(context, box, face.rotation);
    }
    context.globalAlpha = 1;
  }
}

function stroke(context, colour, width, path) {
  for (const [shade, thickness] of [["rgb(10 12 16 / 0.75)", width + Math.max(2, 0.6 * width)], [colour, width]]) {
    context.strokeStyle = shade;
    context.lineWidth = thickness;
    context.beginPath();
    path();
    context.stroke();
  }
}

function drawBox(context, [x0, y0, x1, y1], label) {
  const size = Math.max(x1 - x0, y1 - y0);
  const arm = 0.16 * size;
  context.lineCap = context.lineJoin = "round";
  stroke(context, "#ffffff", Math.min(2.5, Math.max(1, size / 90)), () => {
    for (const [x, y, dx, dy] of [[x0, y0, 1, 1], [x1, y0, -1, 1], [x1, y1, -1, -1], [x0, y1, 1, -1]]) {
      context.moveTo(x + dx * arm, y);
      context.lineTo(x, y);
      context.lineTo(x, y + dy * arm);
    }
  });
  if (!label) return;
  context.font = "600 13px system-ui, sans-serif";
  const width = context.measureText(label).width + 12;
  context.fillStyle = "rgb(10 12 16 / 0.75)";
  context.fillRect(x0, y0 - 24, width, 20);
  context.fillStyle = "#ffffff";
  context.fillText(label, x0 + 6, y0 - 9.5);
}

function drawAxes(context, [x0, y0, x1, y1], rotation) {
  const size = Math.max(x1 - x0, y1 - y0);
  const [x, y] = [(x0 + x1) / 2, (y0 + y1) / 2];
  const length = 0.62 * size;
  const width = Math.min(7, Math.max(1.5, size / 42));
  context.lineCap = "round";
  for (const { tip, colour } of axes(rotation)) {
    stroke(context, colour, width, () => {
      context.moveTo(x, y);
      context.lineTo(x + length * tip[0], y + length * tip[1]);
    });
  }
  context.fillStyle = "#ffffff";
  context.beginPath();
  context.arc(x, y, 0.75 * width + 0.5, 0, 2 * Math.PI);
  context.fill();
}
