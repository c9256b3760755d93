// How loud a recording is, drawn; with the hits in it and the place that is being played.

import { get } from "./api.js";
import { el } from "./dom.js";

const BAR = 2;
const GAP = 1;
const AT_ONCE = 2; // recordings whose peaks are asked for

let asking = 0;
const queue = [];

/** Ask one after the other: what was not asked before must be decoded. */
function inTurn(question) {
  return new Promise((resolve, reject) => {
    queue.push(() => question().then(resolve, reject));
    next();
  });
}

function next() {
  if (asking >= AT_ONCE || !queue.length) return;
  asking += 1;
  queue.shift()().finally(() => {
    asking -= 1;
    next();
  });
}

const sights = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) if (isIntersecting) target.waveform.seen();
}, { rootMargin: "200px" });

const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) target.waveform.draw();
});

const drawn = new Set();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawn.forEach((one) => one.draw()));

export class Waveform {
  /** In an element of its own: `element`. `onseek` is called with the second that was clicked. */
  constructor(recording, { hits = [], onseek = () => {} } = {}) {
    this.recording = recording;
    this.hits = hits;
    this.time = null;
    this.peaks = null;
    this.canvas = el("canvas", { "aria-hidden": true });
    this.element = el("div", { class: "wave" }, this.canvas);
    this.element.waveform = this;
    this.element.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      const box = this.canvas.getBoundingClientRect();
      onseek(Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1) * recording.duration);
    });
    sights.observe(this.element);
    sizes.observe(this.element);
    drawn.add(this);
  }

  /** Forget it: it is not shown any more. */
  close() {
    sights.unobserve(this.element);
    sizes.unobserve(this.element);
    drawn.delete(this);
  }

  async seen() {
    sights.unobserve(this.element);
    try {
      const { id } = this.recording;
      this.peaks = await inTurn(() => get(`/recordings/${encodeURIComponent(id)}/peaks`, { points: 1000 }));
      this.element.dataset.drawn = "";
      this.draw();
    } catch {
      this.element.dataset.silent = ""; // the line with its hits stays; playing says what is wrong
    }
  }

  show(time) {
    const column = time === null ? null : Math.round((time / this.recording.duration) * this.canvas.width);
    this.time = time;
    if (column !== this.column) this.draw();
    this.column = column;
  }

  mark(hits) {
    this.hits = hits;
    this.draw();
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (!width || !height) return;
    const scale = window.devicePixelRatio || 1;
    const { canvas } = this;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    const color = (name) => getComputedStyle(this.element).getPropertyValue(name).trim();
    const [quiet, heard, mark, tick] = ["--wave", "--heard", "--mark", "--tick"].map(color);
    const place = (second) => (second / this.recording.duration) * width;
    const foot = 5; // room for the ticks of hits
    const middle = (height - foot) / 2;
    const now = this.time === null ? -1 : place(this.time);

    pen.fillStyle = mark;
    for (const hit of this.hits) {
      const left = place(hit.start);
      pen.fillRect(left - 1, 0, Math.max(place(hit.end) - left + 2, 4), height - foot);
    }
    const columns = Math.floor(width / (BAR + GAP));
    for (let column = 0; column < columns; column += 1) {
      const left = column * (BAR + GAP);
      const size = Math.max(this.loudness(column, columns) * middle, 0.5);
      pen.fillStyle = left < now ? heard : quiet;
      pen.fillRect(left, middle - size, BAR, 2 * size);
    }
    pen.fillStyle = tick;
    for (const hit of this.hits) pen.fillRect(place(hit.start) - 1, height - 4, Math.max(place(hit.end) - place(hit.start) + 2, 4), 4);
    if (now >= 0) {
      pen.fillStyle = heard;
      pen.fillRect(Math.min(Math.max(now - 1, 0), width - 2), 0, 2, height - foot);
    }
  }

  /** From 0 to 1; quiet speech is raised, or it would be a line. */
  loudness(column, columns) {
    if (!this.peaks) return 0;
    const { effective } = this.peaks;
    const first = Math.floor((column * effective.length) / columns);
    const last = Math.max(first + 1, Math.floor(((column + 1) * effective.length) / columns));
    let most = 0;
    for (let n = first; n < last; n += 1) most = Math.max(most, effective[n]);
    this.loudest ??= Math.max(8, [...effective].sort((a, b) => a - b)[Math.floor(effective.length * 0.995)]);
    return Math.min(most / this.loudest, 1) ** 0.85;
  }
}
