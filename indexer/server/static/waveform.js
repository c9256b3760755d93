// Waveform of a recording, with its hits and the current time.

import { get } from "./api.js";
import { el } from "./dom.js";

const BAR = 2;
const GAP = 1;
const MAX_REQUESTS = 2; // for peaks at a time

let running = 0;
const queue = [];

/** Limit the number of requests at a time: at the first request for its peaks, the server decodes a recording. */
function enqueue(request) {
  return new Promise((resolve, reject) => {
    queue.push(() => request().then(resolve, reject));
    startNext();
  });
}

function startNext() {
  if (running >= MAX_REQUESTS || !queue.length) return;
  running += 1;
  queue.shift()().finally(() => {
    running -= 1;
    startNext();
  });
}

const visibility = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) if (isIntersecting) target.waveform.load();
}, { rootMargin: "200px" });

const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) target.waveform.draw();
});

const waveforms = new Set();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => waveforms.forEach((waveform) => waveform.draw()));

export class Waveform {
  /** Waveform in `element`; `onseek` is called with the time that was clicked. */
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
    visibility.observe(this.element);
    sizes.observe(this.element);
    waveforms.add(this);
  }

  /** Stop observing the element. */
  close() {
    visibility.unobserve(this.element);
    sizes.unobserve(this.element);
    waveforms.delete(this);
  }

  /** Load and draw the peaks. */
  async load() {
    visibility.unobserve(this.element);
    try {
      const { id } = this.recording;
      this.peaks = await enqueue(() => get(`/recordings/${encodeURIComponent(id)}/peaks`, { points: 1000 }));
      this.element.dataset.drawn = "";
      this.draw();
    } catch (error) {
      this.element.dataset.silent = ""; // the line with the hits stays; playing shows the error
      if (error.isTemporary) this.offerRetry();
    }
  }

  offerRetry() {
    const retry = (event) => {
      event.stopPropagation();
      button.remove();
      delete this.element.dataset.silent;
      this.load();
    };
    const button = el("button", { class: "retry", type: "button", onclick: retry, onpointerdown: (event) => event.stopPropagation() }, "Load the waveform again");
    this.element.append(button);
  }

  setTime(time) {
    const column = time === null ? null : Math.round((time / this.recording.duration) * this.canvas.width);
    this.time = time;
    if (column !== this.column) this.draw();
    this.column = column;
  }

  setHits(hits) {
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
    const [unplayed, played, mark, tick] = ["--wave", "--played", "--mark", "--tick"].map(color);
    const x = (second) => (second / this.recording.duration) * width;
    const footer = 5; // height of the ticks of hits, with a gap
    const middle = (height - footer) / 2;
    const now = this.time === null ? -1 : x(this.time);

    pen.fillStyle = mark;
    for (const hit of this.hits) {
      const left = x(hit.start);
      pen.fillRect(left - 1, 0, Math.max(x(hit.end) - left + 2, 4), height - footer);
    }
    const columns = Math.floor(width / (BAR + GAP));
    for (let column = 0; column < columns; column += 1) {
      const left = column * (BAR + GAP);
      const size = Math.max(this.loudness(column, columns) * middle, 0.5);
      pen.fillStyle = left < now ? played : unplayed;
      pen.fillRect(left, middle - size, BAR, 2 * size);
    }
    pen.fillStyle = tick;
    for (const hit of this.hits) pen.fillRect(x(hit.start) - 1, height - 4, Math.max(x(hit.end) - x(hit.start) + 2, 4), 4);
    if (now >= 0) {
      pen.fillStyle = played;
      pen.fillRect(Math.min(Math.max(now - 1, 0), width - 2), 0, 2, height - footer);
    }
  }

  /** Height of a column from 0 to 1, compressed to make quiet speech visible. */
  loudness(column, columns) {
    if (!this.peaks) return 0;
    const { effective } = this.peaks;
    const first = Math.floor((column * effective.length) / columns);
    const last = Math.max(first + 1, Math.floor(((column + 1) * effective.length) / columns));
    let peak = 0;
    for (let n = first; n < last; n += 1) peak = Math.max(peak, effective[n]);
    this.loudest ??= Math.max(8, [...effective].sort((a, b) => a - b)[Math.floor(effective.length * 0.995)]);
    return Math.min(peak / this.loudest, 1) ** 0.85;
  }
}
