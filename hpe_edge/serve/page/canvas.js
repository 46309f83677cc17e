// What the three canvases share: sharp pixels at any size, colours of the page's theme.

export class Surface {
  constructor(canvas, redraw) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    new ResizeObserver(() => {
      this.fit();
      redraw();
    }).observe(canvas);
    matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => {
      this.colours = {};
      redraw();
    });
    this.colours = {};
    this.fit();
  }

  fit() {
    const scale = Math.min(3, devicePixelRatio || 1);
    this.width = this.canvas.clientWidth;
    this.height = this.canvas.clientHeight;
    this.canvas.width = Math.max(1, Math.round(this.width * scale));
    this.canvas.height = Math.max(1, Math.round(this.height * scale));
    this.context.setTransform(scale, 0, 0, scale, 0, 0);
  }

  // A colour of style.css by name; [r, g, b] for those that are mixed.
  colour(name) {
    this.colours[name] ??= getComputedStyle(this.canvas).getPropertyValue(`--${name}`).trim();
    return this.colours[name];
  }

  clear() {
    this.context.clearRect(0, 0, this.width, this.height);
    return this.context;
  }
}

export const mix = (a, b, share) => a.map((value, index) => value + share * (b[index] - value));

export const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

// Columns of a rotation that is written row by row: the head's x, y and z axes in the camera (x right, y down, z away).
export const column = (rotation, index) => [rotation[index], rotation[3 + index], rotation[6 + index]];

// The three axes as docs/CONVENTIONS.md draws them: red to the side, green to the chin, blue out of the face.
export function axes(rotation) {
  return [
    { tip: column(rotation, 0), colour: "#f0463c" },
    { tip: column(rotation, 1), colour: "#3fbf57" },
    { tip: column(rotation, 2).map((value) => -value), colour: "#3d86ff" },
  ].sort((a, b) => b.tip[2] - a.tip[2]); // far ones first
}
