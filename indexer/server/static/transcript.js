// The words of a recording as paragraphs. Only those near the window are in the page, so that a hundred thousand are
// as quick as a hundred.

import { el } from "./dom.js";
import { clock, percent, spoken } from "./telling.js";
import { CHUNK } from "./words.js";

const PAUSE = 1.2; // seconds that begin a paragraph
const BREATH = 0.35; // the same where a paragraph is long
const LONG = 70; // words
const LONGEST = 140;
const UNSURE = 0.5; // words below are shown so

const LINE = 30; // pixels of ten words, until a chunk has been measured

/** What else was perhaps said instead of a word. */
function perhaps(word) {
  const others = (word.alternatives ?? []).filter((other) => other.text !== word.text);
  return others.length ? `perhaps ${others.map((other) => `${other.text} (${percent(other.probability)})`).join(", ")}` : null;
}

export class Transcript {
  /** `onplay` is called with the second to play from. */
  constructor(words, { onplay }) {
    this.words = words;
    this.onplay = onplay;
    this.hits = [];
    this.filled = new Map(); // chunk → spans of its words
    this.near = new Set(); // chunks near the window
    this.element = el("div", { class: "transcript", role: "group", "aria-label": "Transcript", onclick: (event) => this.clicked(event), onkeydown: (event) => this.typed(event) });
    this.sights = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        const n = Number(target.dataset.n);
        if (isIntersecting) this.near.add(n);
        else this.near.delete(n);
        if (isIntersecting) this.fill(n, () => this.near.has(n)).catch(() => {});
        else this.empty(target);
      }
    }, { rootMargin: "2000px" });
  }

  close() {
    this.sights.disconnect();
  }

  /** Room for all words; those of the first chunk are read to know how many there are. */
  async open() {
    await this.words.load(0);
    const { total } = this.words;
    for (let n = 0; n * CHUNK < total; n += 1) {
      const chunk = el("div", { class: "chunk", "data-n": n });
      chunk.style.minHeight = `${(Math.min(CHUNK, total - n * CHUNK) / 10) * LINE}px`;
      this.element.append(chunk);
      this.sights.observe(chunk);
    }
  }

  /** Put in the words of a chunk, if it is still wanted when they are here. */
  async fill(n, wanted = () => true) {
    if (this.filled.has(n)) return;
    const words = await this.words.load(n);
    const chunk = this.element.children[n];
    if (this.filled.has(n) || !chunk || !wanted()) return;
    const spans = [];
    let paragraph = null;
    let length = 0;
    words.forEach((word, place) => {
      const pause = place ? word.start - words[place - 1].end : 0;
      if (!paragraph || pause >= PAUSE || (length >= LONG && pause >= BREATH) || length >= LONGEST) {
        const stamp = el("button", { class: "stamp", type: "button", "data-t": word.start, "aria-label": `Play from ${spoken(word.start)}` }, clock(word.start));
        paragraph = el("p", {});
        chunk.append(el("div", { class: "paragraph" }, stamp, paragraph));
        length = 0;
      }
      const span = el("span", { "data-i": n * CHUNK + place, class: word.confidence < UNSURE ? "unsure" : null, title: perhaps(word) }, word.text);
      paragraph.append(length ? " " : "", span);
      spans.push(span);
      length += 1;
    });
    this.filled.set(n, spans);
    chunk.style.minHeight = "";
    this.markHits(n);
    this.mark(this.index ?? -1);
  }

  empty(chunk) {
    const n = Number(chunk.dataset.n);
    if (!this.filled.has(n) || chunk.contains(document.activeElement)) return;
    chunk.style.minHeight = `${chunk.offsetHeight}px`;
    chunk.replaceChildren();
    this.filled.delete(n);
  }

  span(index) {
    return this.filled.get(Math.floor(index / CHUNK))?.[index % CHUNK];
  }

  /** Show the hits of a search. */
  found(hits) {
    this.hits = hits;
    for (const n of this.filled.keys()) this.markHits(n);
  }

  markHits(n) {
    const words = this.words.chunks.get(n);
    const spans = this.filled.get(n);
    let next = 0;
    words.forEach((word, place) => {
      while (next < this.hits.length && this.hits[next].end <= word.start) next += 1;
      const hit = this.hits[next];
      const inside = hit && word.end > hit.start && word.start < hit.end;
      spans[place].classList.toggle("found", Boolean(inside));
      spans[place].classList.toggle("joined", Boolean(inside && place + 1 < words.length && words[place + 1].start < hit.end));
    });
  }

  /** Mark the word that is being said. */
  mark(index) {
    this.marked?.classList.remove("now");
    this.index = index;
    this.marked = this.span(index);
    this.marked?.classList.add("now");
  }

  /** Bring a word into view. */
  async show(index, { smooth = false, place = "center" } = {}) {
    await this.fill(Math.floor(index / CHUNK));
    const span = this.span(index);
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    span?.scrollIntoView({ block: place, behavior: smooth && !calm ? "smooth" : "instant" });
    return span;
  }

  clicked(event) {
    const stamp = event.target.closest("[data-t]");
    const span = event.target.closest("[data-i]");
    if (stamp) this.onplay(Number(stamp.dataset.t));
    else if (span && !String(getSelection())) this.onplay(this.words.word(Number(span.dataset.i)).start);
  }

  /** With the arrows from the time of a paragraph to its words; Enter plays from there. */
  typed(event) {
    const span = event.target.closest("[data-i]");
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Enter" && span) this.onplay(this.words.word(Number(span.dataset.i)).start);
    else if (step) {
      const first = event.target.closest(".paragraph")?.querySelector("[data-i]");
      const next = span ? this.span(Number(span.dataset.i) + step) : first;
      if (!next) return;
      const word = this.words.word(Number(next.dataset.i));
      next.setAttribute("tabindex", "-1");
      next.setAttribute("role", "button");
      next.setAttribute("aria-label", `${word.text}, ${clock(word.start)}, ${percent(word.confidence)}`);
      next.focus();
      next.addEventListener("blur", () => ["tabindex", "role", "aria-label"].forEach((name) => next.removeAttribute(name)), { once: true });
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
