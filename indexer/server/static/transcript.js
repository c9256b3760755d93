// Transcript of a recording in paragraphs. Only chunks near the viewport have elements, thus its length does not matter.

import { el } from "./dom.js";
import { clock, percent, spoken } from "./format.js";
import { CHUNK } from "./words.js";

const MIN_PAUSE = 1.2; // seconds of silence before a new paragraph
const MIN_PAUSE_LONG = 0.35; // the same after LONG words
const LONG = 70; // words of a paragraph
const MAX_WORDS = 140; // words of a paragraph
const MIN_CONFIDENCE = 0.5; // words below it are grayed

const LINE_HEIGHT = 30; // pixels of ten words, estimated until a chunk has been rendered

/** Alternatives of a word as text; null if there are none. */
function alternativesText(word) {
  const alternatives = (word.alternatives ?? []).filter((alternative) => alternative.text !== word.text);
  return alternatives.length ? `or: ${alternatives.map(({ text, probability }) => `${text} (${percent(probability)})`).join(", ")}` : null;
}

export class Transcript {
  /** `onplay` is called with the time to play from. */
  constructor(words, { onplay, verb = "play from" }) {
    this.words = words;
    this.verb = verb;
    this.onplay = onplay;
    this.hits = [];
    this.rendered = new Map(); // chunk → elements of its words
    this.near = new Set(); // chunks near the viewport
    this.element = el("div", { class: "transcript", role: "group", "aria-label": "Transcript", onclick: (event) => this.handleClick(event), onkeydown: (event) => this.handleKey(event) });
    this.observer = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        const n = Number(target.dataset.n);
        if (isIntersecting) this.near.add(n);
        else this.near.delete(n);
        if (isIntersecting) this.render(n, () => this.near.has(n)).catch(() => {});
        else this.clear(target);
      }
    }, { rootMargin: "2000px" });
  }

  close() {
    this.observer.disconnect();
  }

  /** Create empty chunks for all words; the first chunk is loaded for their number. */
  async open() {
    await this.words.load(0);
    const { total } = this.words;
    for (let n = 0; n * CHUNK < total; n += 1) {
      const chunk = el("div", { class: "chunk", "data-n": n });
      chunk.style.minHeight = `${(Math.min(CHUNK, total - n * CHUNK) / 10) * LINE_HEIGHT}px`;
      this.element.append(chunk);
      this.observer.observe(chunk);
    }
  }

  /** Show the words as they are on the server now. */
  async reload() {
    this.words.clear();
    this.rendered.clear();
    this.near.clear();
    this.observer.disconnect();
    this.element.replaceChildren();
    await this.open();
  }

  /** Render the words of a chunk, if `isNeeded` after they are loaded. */
  async render(n, isNeeded = () => true) {
    if (this.rendered.has(n)) return;
    const words = await this.words.load(n);
    const chunk = this.element.children[n];
    if (this.rendered.has(n) || !chunk || !isNeeded()) return;
    const spans = [];
    let paragraph = null;
    let length = 0;
    words.forEach((word, i) => {
      const pause = i ? word.start - words[i - 1].end : 0;
      const turn = i ? word.voice !== words[i - 1].voice : word.voice;
      if (!paragraph || turn || pause >= MIN_PAUSE || (length >= LONG && pause >= MIN_PAUSE_LONG) || length >= MAX_WORDS) {
        const stamp = el("button", { class: "stamp", type: "button", "data-t": word.start, "aria-label": `${clock(word.start)}, ${this.verb} ${spoken(word.start)}` }, clock(word.start));
        paragraph = el("p", {});
        if (turn && word.voice) paragraph.append(el("span", { class: "voice" }, word.voice));
        chunk.append(el("div", { class: "paragraph" }, stamp, paragraph));
        length = 0;
      }
      const span = el("span", { "data-i": n * CHUNK + i, class: word.confidence < MIN_CONFIDENCE ? "uncertain" : null, title: alternativesText(word) }, word.text);
      paragraph.append(length ? " " : "", span);
      spans.push(span);
      length += 1;
    });
    this.rendered.set(n, spans);
    chunk.style.minHeight = "";
    this.markHits(n);
    this.mark(this.index ?? -1);
    this.onrender?.(n);
  }

  clear(chunk) {
    const n = Number(chunk.dataset.n);
    if (!this.rendered.has(n) || chunk.contains(document.activeElement) || getSelection().containsNode(chunk, true)) return;
    chunk.style.minHeight = `${chunk.offsetHeight}px`;
    chunk.replaceChildren();
    this.rendered.delete(n);
  }

  span(index) {
    return this.rendered.get(Math.floor(index / CHUNK))?.[index % CHUNK];
  }

  /** Mark hits. */
  setHits(hits) {
    this.hits = hits;
    for (const n of this.rendered.keys()) this.markHits(n);
  }

  markHits(n) {
    const words = this.words.chunks.get(n);
    const spans = this.rendered.get(n);
    let next = 0;
    words.forEach((word, i) => {
      if (i && word.start < words[i - 1].start) next = 0; // turns of voices may overlap
      while (next < this.hits.length && this.hits[next].end <= word.start) next += 1;
      const hit = this.hits[next];
      const same = !hit?.voice || !word.voice || hit.voice === word.voice;
      const inside = hit && same && word.end > hit.start && word.start < hit.end;
      spans[i].classList.toggle("match", Boolean(inside));
      spans[i].classList.toggle("joined", Boolean(inside && i + 1 < words.length && words[i + 1].start < hit.end));
    });
  }

  /** Mark the current word. */
  mark(index) {
    this.marked?.classList.remove("now");
    this.index = index;
    this.marked = this.span(index);
    this.marked?.classList.add("now");
  }

  /** Scroll to a word. */
  async show(index, { smooth = false } = {}) {
    await this.render(Math.floor(index / CHUNK));
    const span = this.span(index);
    const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)").matches;
    span?.scrollIntoView({ block: "center", behavior: smooth && !reducedMotion ? "smooth" : "instant" });
    return span;
  }

  handleClick(event) {
    const stamp = event.target.closest("[data-t]");
    const span = event.target.closest("[data-i]");
    if (stamp) this.onplay(Number(stamp.dataset.t));
    else if (span && !String(getSelection())) this.onplay(this.words.word(Number(span.dataset.i)).start);
  }

  /** Arrow keys move the focus from the time of a paragraph to its words; Enter plays from a word. */
  handleKey(event) {
    const span = event.target.closest("[data-i]");
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Enter" && span) this.onplay(this.words.word(Number(span.dataset.i)).start);
    else if (step) {
      const first = event.target.closest(".paragraph")?.querySelector("[data-i]");
      const next = span ? this.span(Number(span.dataset.i) + step) : first;
      if (!next) return;
      this.focus(next);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Focus the element of a word, which is a button meanwhile. */
  focus(span) {
    const word = this.words.word(Number(span.dataset.i));
    span.setAttribute("tabindex", "-1");
    span.setAttribute("role", "button");
    span.setAttribute("aria-label", `${word.text}, ${clock(word.start)}, ${percent(word.confidence)}`);
    span.focus();
    span.addEventListener("blur", () => ["tabindex", "role", "aria-label"].forEach((name) => span.removeAttribute(name)), { once: true });
  }
}
